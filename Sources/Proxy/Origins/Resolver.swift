import EventLoop
import Glibc
import Logging
import Synchronization

/// An origin's name with one of its addresses.
struct ResolvedOrigin: Sendable, Equatable {
  var address: SocketAddress
  var authority: [UInt8]
  var options = OriginOptions()
  /// The name that its certificate must have; nil where it is spoken to without TLS.
  var tlsName: String?
}

/// The addresses of both sites.
struct ResolvedOrigins: Sendable, Equatable {
  var new: [ResolvedOrigin]
  var old: [ResolvedOrigin]
}

/// What the names of all origins led to when they were looked up last.
struct Resolution: Sendable, Equatable {
  struct Name: Sendable, Equatable {
    var site: Site
    var origin: OriginAddress
    /// The last ones known; empty when it has never had any.
    var addresses: [SocketAddress]
    /// Why it could not be looked up the last time.
    var failure: String?
  }

  /// In the order of the flags, the new site's first.
  var names: [Name]

  var origins: ResolvedOrigins { ResolvedOrigins(new: origins(of: .new), old: origins(of: .old)) }

  private func origins(of site: Site) -> [ResolvedOrigin] {
    names.filter { $0.site == site }.flatMap { name in
      name.addresses.map {
        ResolvedOrigin(
          address: $0, authority: Array(name.origin.authority.utf8), options: name.origin.options,
          tlsName: name.origin.tlsName)
      }
    }
  }
}

/// Looks the origins' names up, at the start and again as they age, on a thread of its own.
///
/// A site serves with those of its names that resolve: one that does not is looked up again with the others, and one that
/// stops resolving keeps its last addresses. Only a site of which no name resolves keeps the proxy from starting.
final class Resolver: Sendable {
  typealias LookUp = @Sendable (OriginAddress) throws(ResolveError) -> [SocketAddress]

  private let names: [(site: Site, origin: OriginAddress)]
  private let lookUp: LookUp
  private let isStopped = Atomic<Bool>(false)

  /// - Parameter lookUp: the system's resolver; tests have their own.
  init(
    new: [OriginAddress], old: [OriginAddress],
    lookUp: @escaping LookUp = { origin throws(ResolveError) in
      try SocketAddress.resolve(host: origin.host, port: origin.port)
    }
  ) {
    names = new.map { (.new, $0) } + old.map { (.old, $0) }
    self.lookUp = lookUp
  }

  /// For the start, and for a reload, which knows some servers already. Blocks, as ``resolve(after:)``.
  ///
  /// - Parameter known: whose addresses stand in for those of a name that does not resolve now.
  /// - Throws: ``ProxyStartError/doesNotResolve(origin:reason:)`` when no name of a site has an address.
  func resolve(known: OriginSets = OriginSets()) throws(ProxyStartError) -> Resolution {
    var found = resolve(after: nil)
    for place in found.names.indices where found.names[place].failure != nil {
      let name = found.names[place]
      let states = name.site == .new ? known.new : known.old
      found.names[place].addresses = states.filter { $0.authority == name.origin.authority }.map(\.address)
    }
    for name in found.names {
      guard let reason = name.failure else { continue }
      if found.names.allSatisfy({ $0.site != name.site || $0.addresses.isEmpty }) {
        throw .doesNotResolve(origin: name.origin.authority, reason: reason)
      }
    }
    return found
  }

  /// Blocks: only the start, a reload and the resolver's own thread call this.
  func resolve(after former: Resolution?) -> Resolution {
    Resolution(
      names: names.enumerated().map { place, name in
        var found = Resolution.Name(site: name.site, origin: name.origin, addresses: [])
        do throws(ResolveError) {
          found.addresses = try lookUp(name.origin)
        } catch {
          found.addresses = former?.names[place].addresses ?? []
          found.failure = error.reason
        }
        return found
      })
  }

  /// Tells `changed` when a name leads elsewhere.
  func keepResolving(
    every interval: Duration, first: Resolution, logger: Logger,
    changed: @escaping @Sendable (ResolvedOrigins) -> Void
  ) {
    let ms = interval.wholeMilliseconds
    let allNumeric = names.allSatisfy { Self.isNumeric($0.origin.host) }
    Self.tell(of: first, after: nil, looksAgain: ms > 0, logger)
    if ms == 0 || allNumeric { return }
    let thread = try? LoopThread(name: "resolver") { [self] in
      var present = first
      while sleepUnlessStopped(ms) {
        let found = resolve(after: present)
        Self.tell(of: found, after: present, looksAgain: true, logger)
        if found.origins != present.origins {
          logger.notice("an origin's name leads to other addresses now")
          changed(found.origins)
        }
        present = found
      }
    }
    thread?.detach()
  }

  /// Tells of the names that have begun or ceased to resolve.
  private static func tell(
    of found: Resolution, after former: Resolution?, looksAgain: Bool, _ logger: Logger
  ) {
    for (place, name) in found.names.enumerated() {
      let failedBefore = former?.names[place].failure != nil
      let metadata: Logger.Metadata = ["origin": "\(name.origin.authority)", "site": "\(name.site)"]
      switch name.failure {
      case nil where failedBefore: logger.notice("an origin's name resolves again", metadata: metadata)
      case let reason? where !failedBefore:
        let consequence =
          name.addresses.isEmpty
          ? "the others of its site serve without it" : "its last known addresses stay in use"
        let remedy =
          "check the name and the machine's DNS"
          + (looksAgain ? "; it is looked up again every --resolve-every" : ", then start again")
        logger.warning(
          "an origin's name does not resolve: \(consequence)",
          metadata: metadata.merging(["cause": "\(reason)", "remedy": "\(remedy)"]) { $1 })
      case nil, _?: break
      }
    }
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

  private static func isNumeric(_ host: String) -> Bool {
    host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
  }
}

extension OriginAddress {
  /// The name that its certificate must have; nil where it is spoken to without TLS.
  public var tlsName: String? { isSecure ? options.tlsName ?? host : nil }

  /// `host` or `host:port`, the port left out when it is the scheme's own.
  var authority: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
  }
}
