import HTTP1

/// The cookie whose value tells which server of the new pool a session lives on: the client keeps the value that the server
/// has set behind the server's id and a tilde, which no server ever sees.
///
///     the server sets     sid=4f2a
///     the client keeps    sid=web1~4f2a
struct StickyCookie: Sendable {
  /// Stands between an id, which never has one, and the value.
  static let separator = UInt8(ascii: "~")

  let name: [UInt8]

  /// - Parameter text: a token (RFC 6265, 4.1.1).
  init(_ text: String) {
    name = Array(text.utf8)
  }

  /// What is written in front of the values that a server sets.
  static func tag(id: String) -> [UInt8] { Array(id.utf8) + [separator] }

  func isName(_ range: ByteRange, of message: RawSpan) -> Bool {
    range.count == name.count && message.has(name, at: range.lower)
  }

  /// The tag in front of a cookie's value, separator included; nil for another cookie, or a value that has none. A value
  /// of the application's own may have a tilde as well: only what can be the id of a server is taken for one.
  func tag(of part: CookieParts.Part, in message: RawSpan, known tags: [[UInt8]]) -> ByteRange? {
    guard let range = part.name, isName(range, of: message),
      let tilde = (part.value.lower..<part.value.upper).first(where: {
        message.byte(at: $0) == Self.separator
      })
    else { return nil }
    let tag = ByteRange(lower: part.value.lower, upper: tilde + 1)
    let isKnown = tags.contains { $0.count == tag.count && message.has($0, at: tag.lower) }
    return isKnown || isOfServerGone(tag, message) ? tag : nil
  }

  /// The session that a request belongs to: of several sticky cookies the first whose tag is one of `tags`, else the
  /// first. Nil without one that has a value.
  func session(_ fields: borrowing FieldTable, _ message: RawSpan, among tags: [[UInt8]]) -> Session? {
    var first: Session?
    for index in 0..<fields.count where fields[index].id == .cookie {
      var parts = CookieParts(fields[index].value)
      while let part = parts.next(in: message) {
        guard let name = part.name, isName(name, of: message), !part.value.isEmpty else { continue }
        let tag = tag(of: part, in: message, known: tags)
        let value = ByteRange(lower: tag?.upper ?? part.value.lower, upper: part.value.upper)
        let server = tag.flatMap { tag in
          tags.firstIndex { $0.count == tag.count && message.has($0, at: tag.lower) }
        }
        let session = Session(server: server, value: value)
        if server != nil { return session }
        first = first ?? session
      }
    }
    return first
  }

  /// What a cookie tells of a session.
  struct Session: Equatable {
    /// The server that it began on, as its place among the tags; nil when it names none of them.
    let server: Int?
    /// The cookie's value without the tag.
    let value: ByteRange
  }

  private func isOfServerGone(_ tag: ByteRange, _ message: RawSpan) -> Bool {
    unsafe message.extracting(tag.lower..<tag.upper - 1).withUnsafeBytes { unsafe OriginID.isDerived($0) }
  }
}
