import Addressing
import ArgumentParser

struct ClientFlags: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: .flag(
      "Believe what these proxies before Relevo say of their clients in X-Forwarded-For, -Proto and -Host; may be given several times. An address, a block of them as in 10.0.0.0/8 or 2001:db8::/32, or unix for those that connect by a unix socket. What others say in these fields goes no further.",
      value: "proxies", default: "none"),
    transform: TrustedProxiesArgument.init(parsing:))
  var trustedProxies: [TrustedProxiesArgument] = []

  @Flag(
    help:
      "Expect every connection to begin with a header of the PROXY protocol, version 1 or 2, that names the client; only --trusted-proxies may send it when there are any. Whoever else can connect could pretend to be anybody. (default: off)"
  )
  var acceptProxy = false

  /// What all values of the flag add up to.
  var trusted: TrustedProxies {
    trustedProxies.reduce(into: .none) { all, argument in
      all.prefixes += argument.proxies.prefixes
      all.includesUnixSockets = all.includesUnixSockets || argument.proxies.includesUnixSockets
    }
  }
}

/// One value of `--trusted-proxies`: addresses, blocks of them and the word `unix`, with commas between.
struct TrustedProxiesArgument: Sendable, CustomStringConvertible {
  let description: String
  let proxies: TrustedProxies

  init(parsing text: String) throws(BadValue) {
    description = text
    var proxies = TrustedProxies.none
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      if word == "unix" {
        proxies.includesUnixSockets = true
        continue
      }
      do throws(IPPrefixError) {
        proxies.prefixes.append(try IPPrefix(String(word)))
      } catch {
        throw BadValue(error == .noAddress ? "\(error), or unix" : "\(error)")
      }
    }
    self.proxies = proxies
  }
}
