import HTTP1

/// Writes the Set-Cookie fields of an answer as the client is to get them: the name of an old server's cookie gets the
/// prefix, and a Domain goes that no browser would take under the client's name for the site; the value of the new pool's
/// sticky cookie gets its server's tag. All else stays byte for byte.
enum AnswerCookies {
  /// Adds to `run` what is to go on of a Set-Cookie field of the old server.
  static func writeOld(
    _ field: FieldLine, _ source: AnswerSource.Old, from bytes: RawSpan, publicAuthority: RawSpan,
    run: inout ByteRun, into writer: inout ByteWriter
  ) {
    var parts = CookieParts(field.value)
    guard let cookie = parts.next(in: bytes) else { return }
    var lower = field.line.lower
    if let prefix = source.cookies?.oldPrefix, let name = cookie.name, !name.isEmpty {
      let place = prefix.place(in: name, of: bytes)
      run.extend(with: ByteRange(lower: lower, upper: place), from: bytes, into: &writer)
      run.write(from: bytes, into: &writer)
      writer.append(prefix.bytes)
      lower = place
    }
    while let attribute = parts.next(in: bytes) {
      guard let domain = domain(of: attribute, bytes),
        source.address.ownsDomain(bytes.extracting(domain.range), hiddenBehind: publicAuthority)
      else { continue }
      run.extend(with: ByteRange(lower: lower, upper: attribute.whole.lower - 1), from: bytes, into: &writer)
      lower = attribute.whole.upper
    }
    run.extend(with: ByteRange(lower: lower, upper: field.line.upper), from: bytes, into: &writer)
  }

  /// Adds to `run` what is to go on of a Set-Cookie field of the new pool, and remembers whose the cookie is. One that is
  /// deleted may be anybody's, and has no value that would lead back.
  static func writeNew(
    _ field: FieldLine, _ source: AnswerSource.New, from bytes: RawSpan, run: inout ByteRun,
    into writer: inout ByteWriter
  ) {
    var lower = field.line.lower
    var parts = CookieParts(field.value)
    if let cookie = parts.next(in: bytes), let name = cookie.name, !name.isEmpty,
      !isDeletion(cookie, parts, bytes)
    {
      if source.cookies.oldPrefix != nil { source.cookies.namesOfNew.insert(bytes.extracting(name.range)) }
      if source.cookies.sticky?.isName(name, of: bytes) == true {
        run.extend(with: ByteRange(lower: lower, upper: cookie.value.lower), from: bytes, into: &writer)
        run.write(from: bytes, into: &writer)
        writer.append(source.tag)
        lower = cookie.value.lower
      }
    }
    run.extend(with: ByteRange(lower: lower, upper: field.line.upper), from: bytes, into: &writer)
  }

  /// Whether a Set-Cookie ends the life of its cookie: it has no value, or no time.
  private static func isDeletion(_ cookie: CookieParts.Part, _ rest: CookieParts, _ bytes: RawSpan) -> Bool {
    if cookie.value.isEmpty { return true }
    var parts = rest
    while let attribute = parts.next(in: bytes) {
      guard let name = attribute.name, bytes.extracting(name.range).equalsIgnoringCase("max-age") else {
        continue
      }
      let first = bytes.extracting(attribute.value.range).byte(at: 0)
      return first == UInt8(ascii: "0") || first == UInt8(ascii: "-")
    }
    return false
  }

  /// The value of a Domain attribute without the dot before it, which means nothing (RFC 6265, 5.2.3).
  private static func domain(of attribute: CookieParts.Part, _ bytes: RawSpan) -> ByteRange? {
    guard let name = attribute.name, bytes.extracting(name.range).equalsIgnoringCase("domain") else {
      return nil
    }
    let value = attribute.value
    guard !value.isEmpty, bytes.byte(at: value.lower) == UInt8(ascii: ".") else { return value }
    return ByteRange(lower: value.lower + 1, upper: value.upper)
  }
}
