import Synchronization

/// What the operator wants of a server, while Relevo runs.
public enum OriginMode: UInt8, Sendable, CaseIterable, AtomicRepresentable, LosslessStringConvertible {
  /// It takes requests.
  case ready
  /// It takes no new visitors: only requests that belong to it by their cookie.
  case drain
  /// It takes no requests at all. Those under way end as they would.
  case off

  public init?(_ description: String) {
    guard let mode = Self.allCases.first(where: { $0.description == description }) else { return nil }
    self = mode
  }

  public var description: String {
    switch self {
    case .ready: "ready"
    case .drain: "drain"
    case .off: "off"
    }
  }
}
