import HTTP1

/// An answer that Relevo makes itself: something went wrong, and this says what.
struct OwnAnswer {
  var status: UInt16
  /// One sentence for the client; it names no address.
  var text: String
  /// Seconds after which asking again makes sense.
  var retryAfterSeconds: Int?

  init(status: UInt16, text: String, retryAfterSeconds: Int? = nil) {
    self.status = status
    self.text = text
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// The map has the page on the old server, and neither site can answer for it.
  static let oldUnreachable = OwnAnswer(
    status: 503, text: "This page lives on the old server, which cannot be reached at the moment.",
    retryAfterSeconds: 10)

  /// Only the new pool can have the page, and none of its servers answers.
  static let newUnreachable = OwnAnswer(
    status: 503, text: "The site's servers cannot be reached at the moment.", retryAfterSeconds: 10)

  /// The body's: the sentence and the end of its line.
  var bodyBytes: UInt64 { UInt64(text.utf8.count + 1) }

  var reason: StaticString {
    switch status {
    case 301: "Moved Permanently"
    case 302: "Found"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 408: "Request Timeout"
    case 414: "URI Too Long"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: "Error"
    }
  }

  /// Writes the whole answer. It is not to be stored by anybody: a page that is on the old site today may be on the new
  /// one tomorrow, whatever the status says.
  ///
  /// - Parameter fields: writes further field lines.
  func write(
    isHead: Bool, closes: Bool, route: Route?, into writer: inout ByteWriter,
    fields: (inout ByteWriter) -> Void = { _ in }
  ) {
    writer.append("HTTP/1.1 ")
    writer.append(decimal: UInt64(status))
    writer.append(0x20)
    writer.append(reason)
    writer.append("\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ")
    writer.append(decimal: bodyBytes)
    writer.append("\r\nCache-Control: no-store\r\n")
    if let retryAfterSeconds {
      writer.append("Retry-After: ")
      writer.append(decimal: UInt64(max(0, retryAfterSeconds)))
      writer.append("\r\n")
    }
    fields(&writer)
    if closes { writer.append("Connection: close\r\n") }
    if let route {
      writer.append("X-Relevo-Route: ")
      writer.append(route.name)
      writer.append("\r\n")
    }
    writer.append("\r\n")
    if !isHead {
      writer.append(text)
      writer.append("\n")
    }
  }
}
