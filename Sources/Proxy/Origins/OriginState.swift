import EventLoop
import Glibc
import Synchronization

/// One server of a site, shared by all workers, the health checker and the admin plane.
///
/// Any thread may use it. What changes while Relevo runs are atomics that every worker reads when it picks a server: a
/// change is in force at once.
public final class OriginState: Sendable {
  /// Names it to the API, to metrics and in cookies: `id=` of its flag, else derived from its site, name and address.
  /// No other server of the process has it.
  public let id: String
  public let site: Site
  /// `host` or `host:port` as the operator wrote it, the port left out when it is HTTP's own.
  public let authority: String
  /// One of the addresses of ``authority``.
  public let address: SocketAddress
  public let options: OriginOptions

  /// One for each worker, in their order.
  let tallies: [OriginTally]
  private let modeNow = Atomic<OriginMode>(.ready)
  private let checkedNow = Atomic<CheckedHealth>(.unchecked)
  private let checkMessageNow = Locked<String?>(nil)
  private let sinceSeconds: Atomic<Int>

  init(id: String, site: Site, origin: ResolvedOrigin, workers: Int) {
    self.id = id
    self.site = site
    authority = String(decoding: origin.authority, as: UTF8.self)
    address = origin.address
    options = origin.options
    tallies = (0..<workers).map { _ in OriginTally() }
    sinceSeconds = Atomic(Self.wallClockSeconds())
  }

  /// What the operator wants of it.
  public var mode: OriginMode { modeNow.load(ordering: .relaxed) }

  /// What active checks say of it.
  public var checked: CheckedHealth { checkedNow.load(ordering: .relaxed) }

  /// Takes the operator's word, at once for all workers.
  func setMode(_ mode: OriginMode) {
    if modeNow.exchange(mode, ordering: .relaxed) != mode { stateHasChanged() }
  }

  /// Takes the word of active checks, at once for all workers.
  public func setChecked(_ health: CheckedHealth) {
    if checkedNow.exchange(health, ordering: .relaxed) != health { stateHasChanged() }
  }

  /// What the last active check has seen, in words; nil when nobody checks it, or no check has ended yet.
  public var checkMessage: String? { checkMessageNow.withLock { $0 } }

  func setCheckMessage(_ message: String) { checkMessageNow.withLock { $0 = message } }

  /// Requests under way with it, those of upgraded connections included.
  var inFlight: Int {
    tallies.reduce(0) { $0 + $1.inFlight }
  }

  /// Everything of it as plain values.
  public var status: OriginStatus {
    OriginStatus(
      id: id, site: site, authority: authority, address: address.description, weight: options.weight,
      max: options.max, mode: mode, checked: checked, checkMessage: checkMessage, condition: condition,
      inFlight: inFlight,
      requests: tallies.reduce(0) { $0 &+ $1.requests },
      failures: tallies.reduce(0) { $0 &+ $1.failures },
      since: sinceSeconds.load(ordering: .relaxed))
  }

  private var condition: OriginCondition {
    switch mode {
    case .off: .off
    case .drain: .draining
    case .ready: checked == .down ? .down : .up
    }
  }

  private func stateHasChanged() {
    sinceSeconds.store(Self.wallClockSeconds(), ordering: .relaxed)
  }

  private static func wallClockSeconds() -> Int { time(nil) }
}
