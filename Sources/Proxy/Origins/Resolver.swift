import EventLoop
import Glibc
import Logging
import Synchronization

/// An origin's name with one of its addresses.
struct ResolvedOrigin: Sendable, Equatable {
  var address: SocketAddress
  var authority: [UInt8]
  var options = OriginOptions()
}

/// The addresses of both sites.
struct ResolvedOrigins: Sendable, Equatable {
  var new: [ResolvedOrigin]
  var old: [ResolvedOrigin]
}

/// Looks the origins' names up, at the start and again as they age, on a thread of its own.
final class Resolver: Sendable {
  private let new: [OriginAddress]
  private let old: [OriginAddress]
  private let isStopped = Atomic<Bool>(false)

  init(new: [OriginAddress], old: [OriginAddress]) {
    self.new = new
    self.old = old
  }

  /// Blocks: only the start, a reload and the resolver's own thread call this.
  ///
  /// - Parameter known: whose addresses stand in for those of a name that does not resolve now.
  func resolveAll(known: OriginSets = OriginSets()) throws(ProxyStartError) -> ResolvedOrigins {
    ResolvedOrigins(new: try Self.resolve(new, known.new), old: try Self.resolve(old, known.old))
  }

  /// Tells `changed` when a name leads elsewhere; a name that stops resolving keeps its last addresses.
  func keepResolving(
    every interval: Duration, first: ResolvedOrigins, logger: Logger,
    changed: @escaping @Sendable (ResolvedOrigins) -> Void
  ) {
    let ms = interval.wholeMilliseconds
    let allNumeric = (new + old).allSatisfy { Self.isNumeric($0.host) }
    if ms == 0 || allNumeric { return }
    let thread = try? LoopThread(name: "resolver") { [self] in
      var present = first
      while sleepUnlessStopped(ms) {
        do throws(ProxyStartError) {
          let found = try resolveAll()
          if found != present {
            present = found
            logger.notice("an origin's name leads to other addresses now")
            changed(found)
          }
        } catch {
          logger.warning("the last known addresses stay in use", metadata: ["cause": "\(error)"])
        }
      }
    }
    thread?.detach()
  }

  func stop() { isStopped.store(true, ordering: .relaxed) }

  private func sleepUnlessStopped(_ ms: UInt64) -> Bool {
    var left = ms
    while left > 0 {
      if isStopped.load(ordering: .relaxed) { return false }
      let part = min(left, 200)
      usleep(UInt32(part) * 1000)
      left -= part
    }
    return !isStopped.load(ordering: .relaxed)
  }

  private static func resolve(
    _ origins: [OriginAddress], _ known: [OriginState]
  ) throws(ProxyStartError) -> [ResolvedOrigin] {
    var found: [ResolvedOrigin] = []
    for origin in origins {
      do throws(ResolveError) {
        for address in try SocketAddress.resolve(host: origin.host, port: origin.port) {
          found.append(
            ResolvedOrigin(
              address: address, authority: Array(origin.authority.utf8), options: origin.options))
        }
      } catch {
        let addresses = known.filter { $0.authority == origin.authority }.map(\.address)
        if addresses.isEmpty { throw .doesNotResolve(origin: origin.authority, reason: error.reason) }
        for address in addresses {
          found.append(
            ResolvedOrigin(
              address: address, authority: Array(origin.authority.utf8), options: origin.options))
        }
      }
    }
    return found
  }

  private static func isNumeric(_ host: String) -> Bool {
    host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
  }
}

extension OriginAddress {
  /// `host` or `host:port`, the port left out when it is HTTP's own.
  var authority: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == 80 ? name : "\(name):\(port)"
  }
}
