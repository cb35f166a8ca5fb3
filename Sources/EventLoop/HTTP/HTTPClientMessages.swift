import CLibevent

/// One request that an ``HTTPClient`` sends.
public struct HTTPClientRequest: Sendable {
  public enum Method: Sendable {
    case get, head
  }

  public var method: Method
  /// Where it goes; no unix socket.
  public var address: SocketAddress
  /// Path and query; begins with a slash.
  public var target: String
  /// Field lines; `Host` among them. `Connection: close` is added.
  public var headers: [(name: String, value: String)]
  /// What it is sent inside of; nil sends it as it is.
  public var tls: (any HTTPClientTLS)?

  public init(
    method: Method = .get, address: SocketAddress, target: String, headers: [(name: String, value: String)],
    tls: (any HTTPClientTLS)? = nil
  ) {
    self.method = method
    self.address = address
    self.target = target
    self.headers = headers
    self.tls = tls
  }
}

/// TLS to one server. It lives as long as a request that uses it.
public protocol HTTPClientTLS: Sendable {
  /// OpenSSL's side of a new connection, which the caller owns; nil without memory.
  func makeConnection() -> OpaquePointer?

  /// Why a connection could not be opened; nil when TLS is not to blame.
  ///
  /// - Parameter code: OpenSSL's error, 0 for none.
  func failure(of connection: OpaquePointer, code: UInt) -> String?
}

/// An answer as an ``HTTPClient`` has received it.
public struct HTTPClientResponse: Sendable {
  public var status: Int
  /// Field lines in the order of arrival.
  public var headers: [(name: String, value: String)]
  /// The body without its transfer coding, up to the limit.
  public var body: [UInt8]
  /// Whether `body` is all of it.
  public var isWhole: Bool

  public init(
    status: Int = 0, headers: [(name: String, value: String)] = [], body: [UInt8] = [], isWhole: Bool = true
  ) {
    self.status = status
    self.headers = headers
    self.body = body
    self.isWhole = isWhole
  }

  /// The value of the first field of that name, whatever its case. O(n) in the field lines.
  public func header(_ name: String) -> String? { values(of: name).first }

  /// The values of all fields of that name, whatever its case.
  public func values(of name: String) -> [String] {
    headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
  }
}

/// Why an ``HTTPClient`` has no answer.
public enum HTTPClientError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No connection could be made.
  case unreachable(errno: Int32)
  /// A connection was made, and TLS could not be opened on it.
  case tls(String)
  /// The answer was not whole within the timeout.
  case timeout
  /// The connection ended before the answer did.
  case closed
  /// The answer is no HTTP, or its head is too long.
  case malformed

  public var description: String {
    switch self {
    case .unreachable(let code): systemMessage(code)
    case .tls(let reason): reason
    case .timeout: "no whole answer in time"
    case .closed: "it closed the connection before its answer was whole"
    case .malformed: "its answer is no valid HTTP"
    }
  }
}

/// The field lines that evhttp parsed, in the order of arrival. They stay evhttp's.
@unsafe func httpFields(_ list: UnsafeMutablePointer<evkeyvalq>?) -> [(name: String, value: String)] {
  var fields: [(name: String, value: String)] = []
  var next = unsafe list?.pointee.tqh_first
  while let field = unsafe next {
    if let key = unsafe field.pointee.key, let value = unsafe field.pointee.value {
      fields.append((unsafe String(cString: key), unsafe String(cString: value)))
    }
    unsafe next = unsafe field.pointee.next.tqe_next
  }
  return fields
}
