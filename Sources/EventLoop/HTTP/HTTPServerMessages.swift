import CLibevent

/// One request as an ``HTTPServer`` hands it to its handler: a copy that outlives the connection.
public struct HTTPServerRequest: Sendable {
  /// The method in capitals; empty for one that evhttp has no name for.
  public var method: String
  /// The request target as the client sent it, query included.
  public var target: String
  /// Field lines in the order of arrival.
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]

  public init(
    method: String, target: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []
  ) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
  }

  /// The target up to its query, as sent: nothing is decoded.
  public var path: Substring { target.prefix { $0 != "?" } }

  /// The target after its first `?`; nil without one.
  public var query: Substring? {
    target.firstIndex(of: "?").map { target[target.index(after: $0)...] }
  }

  /// The value of the first field of that name, whatever its case. O(n) in the field lines.
  public func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// What a handler of ``HTTPServer`` answers.
public struct HTTPServerResponse: Sendable {
  /// A final status, 200 to 599; anything else is sent as 500.
  public let status: Int
  /// Field lines beside `Content-Length`, `Date` and `Connection`, which the server writes.
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]

  public init(status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8]) {
    self.status = (200...599).contains(status) ? status : 500
    self.headers = headers
    self.body = body
  }

  /// An answer in UTF-8.
  public init(status: Int = 200, text: String, contentType: String = Self.plainText) {
    self.init(status: status, headers: [("Content-Type", contentType)], body: Array(text.utf8))
  }

  public static let plainText = "text/plain; charset=utf-8"
  public static let html = "text/html; charset=utf-8"
}

extension HTTPServerRequest {
  /// The methods that evhttp has a name for.
  private static let methods: [(command: evhttp_cmd_type, name: String)] = [
    (EVHTTP_REQ_GET, "GET"), (EVHTTP_REQ_POST, "POST"), (EVHTTP_REQ_HEAD, "HEAD"), (EVHTTP_REQ_PUT, "PUT"),
    (EVHTTP_REQ_DELETE, "DELETE"), (EVHTTP_REQ_OPTIONS, "OPTIONS"), (EVHTTP_REQ_TRACE, "TRACE"),
    (EVHTTP_REQ_CONNECT, "CONNECT"), (EVHTTP_REQ_PATCH, "PATCH"),
  ]

  /// Whether nothing can follow on the connection: the body of a request whose method it does not know stays unread.
  @unsafe static func endsConnection(_ request: UnsafeMutablePointer<evhttp_request>) -> Bool {
    let command = unsafe evhttp_request_get_command(request)
    return !methods.contains { $0.command == command }
  }

  /// Copies what evhttp parsed. `request` and all that hangs on it stay evhttp's.
  @unsafe init(copying request: UnsafeMutablePointer<evhttp_request>) {
    let command = unsafe evhttp_request_get_command(request)
    method = Self.methods.first { $0.command == command }?.name ?? ""
    target = ""
    if let uri = unsafe evhttp_request_get_uri(request) { target = unsafe String(cString: uri) }
    headers = unsafe httpFields(evhttp_request_get_input_headers(request))
    body = []
    let input = unsafe evhttp_request_get_input_buffer(request)
    let length = unsafe input.map { unsafe evbuffer_get_length($0) } ?? 0
    // One made for no elements would write to what all empty arrays share.
    if length > 0 {
      body = unsafe [UInt8](unsafeUninitializedCapacity: length) { bytes, count in
        unsafe count = max(0, Int(evbuffer_remove(input, bytes.baseAddress, length)))
      }
    }
  }
}
