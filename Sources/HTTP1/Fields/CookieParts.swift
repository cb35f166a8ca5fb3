/// What stands between the semicolons of a Cookie or Set-Cookie field, taken apart as browsers do (RFC 6265, 5.2 and
/// 5.4): at each `;`, whatever the quotes around it, and at the first `=` of each part.
///
/// The parts follow each other with one `;` between them and make up the whole value. Nothing is validated. Time is
/// linear in the bytes; nothing is allocated.
public struct CookieParts: Sendable {
  /// A cookie, or an attribute of a Set-Cookie.
  public struct Part: Sendable, Equatable {
    /// Blanks included; the `;` before it is the byte before this, except for the first part.
    public let whole: ByteRange
    /// What stands before the first `=`, without the blanks around it; nil when there is no `=`.
    public let name: ByteRange?
    /// What stands behind the first `=`, or all of it when there is none, without the blanks around it.
    public let value: ByteRange
  }

  private let bytes: ByteRange
  private var lower: Int

  /// - Parameter value: of the field, as a range of the bytes that `next` is given.
  public init(_ value: ByteRange) {
    bytes = value
    lower = value.lower
  }

  /// The next part; nil behind the last one. A value without a `;`, be it empty, is one part.
  public mutating func next(in message: RawSpan) -> Part? {
    guard lower <= bytes.upper else { return nil }
    let upper = message.firstOffset(of: .semicolon, from: lower, limit: bytes.upper)
    defer { lower = upper + 1 }
    let equals = message.firstOffset(of: .equals, from: lower, limit: upper)
    let name = equals < upper ? message.trimmingBlanks(ByteRange(lower: lower, upper: equals)) : nil
    let value = message.trimmingBlanks(ByteRange(lower: name == nil ? lower : equals + 1, upper: upper))
    return Part(whole: ByteRange(lower: lower, upper: upper), name: name, value: value)
  }
}
