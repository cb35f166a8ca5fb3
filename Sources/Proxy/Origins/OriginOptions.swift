import Synchronization

/// What the operator says of one server beside its address: `--new http://a:80,weight=3,max=200,id=a`.
public struct OriginOptions: Sendable, Hashable {
  public static let weights = 1...256
  public static let maxima = 1...1_000_000
  /// Bytes of the longest ``id``.
  public static let longestID = 32

  /// Its share of the requests, beside the other servers' weights. Within ``weights``.
  public var weight = 1
  /// Requests that it serves at once, of the whole process. Within ``maxima``; nil sets no bound.
  public var max: Int?
  /// Names it in the API, in metrics and in cookies; see ``isID(_:)``. Nil derives one from its address.
  public var id: String?

  /// The name that its certificate must have, and that it is told (RFC 6066, 3), over TLS. Nil takes the host of its URL.
  public var tlsName: String?

  public init(weight: Int = 1, max: Int? = nil, id: String? = nil, tlsName: String? = nil) {
    self.weight = weight
    self.max = max
    self.id = id
    self.tlsName = tlsName
  }

  /// Whether a text can be an ``id``: letters, digits, dots, hyphens and underscores, which need no escape in a URL, a
  /// label or a cookie.
  public static func isID(_ text: some StringProtocol) -> Bool {
    (1...longestID).contains(text.utf8.count) && text.utf8.allSatisfy(OriginID.isByte)
  }
}

/// What active checks say of a server.
public enum CheckedHealth: UInt8, Sendable, AtomicRepresentable, CustomStringConvertible {
  /// Nobody checks it, or no check has ended yet: it counts as up.
  case unchecked
  case up
  /// It gets requests only while no server of its site is up.
  case down

  public var description: String {
    switch self {
    case .unchecked: "unchecked"
    case .up: "up"
    case .down: "down"
    }
  }
}
