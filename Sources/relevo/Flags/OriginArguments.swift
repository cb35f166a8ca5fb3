import Proxy

extension OriginAddress {
  /// Reads `http://host`, `https://host:port` or `http://[v6]:port`, with at most a `/` at its end, and its options:
  /// `,weight=3,max=200,id=a,sni=www.example.com`.
  init(flag text: String) throws(BadValue) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    self = try Self.address(parts.first ?? "")
    options = try Self.options(parts.dropFirst())
  }

  private static func address(_ text: Substring) throws(BadValue) -> OriginAddress {
    guard let schemeEnd = text.firstRange(of: "://") else {
      throw BadValue("write http:// before it, as in http://10.0.0.2:8080")
    }
    let scheme = text[..<schemeEnd.lowerBound].lowercased()
    guard scheme == "http" || scheme == "https" else {
      throw BadValue("an origin is spoken to over http or https: write http://host:port")
    }
    let rest = text[schemeEnd.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let isSecure = scheme == "https"
    let (host, port) = try hostAndPort(authority, defaultPort: isSecure ? 443 : 80)
    let right = scheme + "://" + authority
    switch rest[authority.endIndex...] {
    case "", "/": break
    case let end where end.hasPrefix("/"):
      throw BadValue("an origin has no path, the client's is passed on: write \(right)")
    case let end where end.hasPrefix("?"): throw BadValue("an origin has no query: write \(right)")
    default: throw BadValue("an origin has no fragment: write \(right)")
    }
    return OriginAddress(isSecure: isSecure, host: host, port: port)
  }

  private static func options(_ texts: ArraySlice<Substring>) throws(BadValue) -> OriginOptions {
    var options = OriginOptions()
    var seen: Set<Substring> = []
    for text in texts {
      let name = text.prefix { $0 != "=" }
      let value = text.dropFirst(name.count + 1)
      guard seen.insert(name).inserted else {
        throw BadValue("\(name)= stands twice behind one server: give it once")
      }
      switch name {
      case "weight": options.weight = try number(value, of: name, in: OriginOptions.weights)
      case "max": options.max = try number(value, of: name, in: OriginOptions.maxima)
      case "id":
        guard OriginOptions.isID(value) else {
          throw BadValue(
            "id= takes 1 to \(OriginOptions.longestID) letters, digits, dots, hyphens or underscores")
        }
        options.id = String(value)
      case "sni":
        guard value.contains("."), HostAndPort.isName(value) else {
          throw BadValue("sni= takes the name that the server's certificate has, as in www.example.com")
        }
        options.tlsName = String(value)
      default:
        throw BadValue(
          "'\(text)' is no option of a server: write weight=, max=, id= or sni= behind a comma, and servers with a blank between"
        )
      }
    }
    return options
  }

  private static func number(
    _ text: Substring, of option: Substring, in range: ClosedRange<Int>
  ) throws(BadValue) -> Int {
    do {
      return try CountArgument.within(range)(String(text))
    } catch {
      throw BadValue("\(option)= takes a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
  }

  private static func hostAndPort(
    _ authority: Substring, defaultPort: UInt16
  ) throws(BadValue) -> (String, UInt16) {
    if authority.contains("@") {
      throw BadValue("an origin has no user name or password: write http://host:port")
    }
    let (host, port) = try HostAndPort.split(String(authority))
    if host.isEmpty { throw BadValue("name the host: http://host:port") }
    return (
      host, try port.map { port throws(BadValue) in try HostAndPort.number(port, from: 1) } ?? defaultPort
    )
  }

  /// As the flag writes it, without its options.
  var url: String {
    let name = host.contains(":") ? "[\(host)]" : host
    let scheme = isSecure ? "https" : "http"
    return port == (isSecure ? 443 : 80) ? "\(scheme)://\(name)" : "\(scheme)://\(name):\(port)"
  }

  /// As the flag writes it, with the options that are not the default.
  var flagText: String {
    let weight = options.weight == OriginOptions().weight ? "" : ",weight=\(options.weight)"
    let max = options.max.map { ",max=\($0)" } ?? ""
    let id = options.id.map { ",id=\($0)" } ?? ""
    let sni = options.tlsName.map { ",sni=\($0)" } ?? ""
    return url + weight + max + id + sni
  }

  /// - Throws: ``CommandFailure`` when two servers have one identifier, or one server is given twice to one site.
  static func checkTogether(new: [OriginAddress], old: [OriginAddress]) throws(CommandFailure) {
    var identifiers: Set<String> = []
    for (flag, servers) in [("--new", new), ("--old", old)] {
      var seen: Set<String> = []
      for server in servers {
        if !seen.insert(server.url).inserted {
          throw CommandFailure(
            "\(flag) \(server.url) is given twice: give it once, with ,weight=2 where it is to get twice as much",
            code: .usage)
        }
        if let id = server.options.id, !identifiers.insert(id).inserted {
          throw CommandFailure(
            "id=\(id) is given to two servers: give each its own, over both sites", code: .usage)
        }
      }
    }
  }
}
