import EventLoop

/// A request as the admin plane reads it: the target taken apart, nothing decoded twice.
struct AdminRequest: Sendable {
  /// In capitals; empty for one that has no name here.
  let method: String
  /// As sent.
  let target: String
  /// The segments of the path, decoded; nil when it is no path. `/` has none.
  let segments: [String]?
  /// Behind the first `?`, as sent.
  let query: Substring
  /// The host that is asked, with its port as sent; nil when none is named.
  let host: Substring?
  let fields: [(name: String, value: String)]
  let body: [UInt8]

  init(_ request: HTTPServerRequest) {
    method = request.method
    fields = request.headers
    body = request.body
    target = request.target
    var target = request.target[...]
    var authority: Substring?
    // An absolute target names the host, and a field that says otherwise is not looked at (RFC 9112, 3.2.2).
    for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
      let rest = target.dropFirst(scheme.count)
      authority = rest.prefix { $0 != "/" && $0 != "?" }
      target = rest[(authority?.endIndex ?? rest.startIndex)...]
      if !target.hasPrefix("/") { target = "/" + target }
    }
    host = authority ?? request.header("Host").map { $0[...] }
    let path = target.prefix { $0 != "?" }
    query = target.dropFirst(path.count + 1)
    guard path.hasPrefix("/") else {
      segments = nil
      return
    }
    let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    let decoded = parts.compactMap { PercentEncoding.decoded($0, plusIsBlank: false) }
    segments = decoded.count == parts.count ? (decoded == [""] ? [] : decoded) : nil
  }

  /// Whether it would change something.
  var isChange: Bool { method != "GET" && method != "HEAD" }

  /// The value of the first field of that name, whatever its case.
  func field(_ name: String) -> String? {
    fields.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

enum PercentEncoding {
  /// Nil for an encoding that is none, and for what is no UTF-8.
  static func decoded(_ text: Substring, plusIsBlank: Bool) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+") where plusIsBlank: bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
          return nil
        }
        bytes.append(high << 4 | low)
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
