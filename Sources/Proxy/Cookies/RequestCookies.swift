import HTTP1

/// Writes the Cookie fields of a request as one of the sites is to get them.
///
/// - The new pool gets all cookies but those that a client keeps for the old server.
/// - The old server gets those under the names that it gave them, and of all others those that no server of the new pool is
///   known to have set: scripts, consent and analytics set theirs for both sites. A cookie that the client keeps for the
///   old server stands in for the one that bears its name.
/// - None of them gets the tag in front of the sticky cookie's value.
///
/// Nothing is reordered, and what stays, stays byte for byte. A field of which nothing stays is left out.
struct RequestCookies: ~Copyable {
  private let view: CookieView
  private var keptForOld = KeptNames()

  /// - Parameter fields: of the whole request: what stands in one Cookie field decides about another.
  init(_ view: CookieView, fields: borrowing FieldTable, bytes: RawSpan) {
    self.view = view
    guard view.site == .old, let prefix = view.rules.oldPrefix else { return }
    for index in 0..<fields.count where fields[index].id == .cookie {
      var parts = CookieParts(fields[index].value)
      while let part = parts.next(in: bytes) {
        guard let name = part.name, prefix.range(in: name, of: bytes) != nil else { continue }
        keptForOld.append(name)
      }
    }
  }

  /// Adds to `run` what is to go on of a Cookie field.
  func write(_ field: FieldLine, from bytes: RawSpan, run: inout ByteRun, into writer: inout ByteWriter) {
    var hasCut = false
    var hasWritten = false
    var parts = CookieParts(field.value)
    while let part = parts.next(in: bytes) {
      let edit = edit(part, bytes)
      if edit == .cut {
        hasCut = true
        continue
      }
      // What is empty at the front waits for something that is not: alone it makes no field.
      if !hasWritten, part.name == nil, part.value.isEmpty { continue }
      var lower = part.whole.lower - 1
      if !hasWritten {
        hasWritten = true
        if hasCut {
          run.extend(
            with: ByteRange(lower: field.line.lower, upper: field.value.lower), from: bytes, into: &writer)
          lower = (part.name ?? part.value).lower
        } else {
          lower = field.line.lower
        }
      }
      if case .without(let range) = edit {
        run.extend(with: ByteRange(lower: lower, upper: range.lower), from: bytes, into: &writer)
        lower = range.upper
      }
      run.extend(with: ByteRange(lower: lower, upper: part.whole.upper), from: bytes, into: &writer)
    }
    if hasWritten {
      run.extend(
        with: ByteRange(lower: field.value.upper, upper: field.line.upper), from: bytes, into: &writer)
    } else if !hasCut {
      run.extend(with: field.line, from: bytes, into: &writer)
    }
  }

  private enum Edit: Equatable {
    case keep
    case cut
    /// It stays but for these bytes.
    case without(ByteRange)
  }

  private func edit(_ part: CookieParts.Part, _ bytes: RawSpan) -> Edit {
    guard let name = part.name else { return .keep }
    let tag = view.rules.sticky?.tag(of: part, in: bytes, known: view.tags)
    guard let prefix = view.rules.oldPrefix else { return tag.map(Edit.without) ?? .keep }
    let place = prefix.range(in: name, of: bytes)
    switch view.site {
    case .new:
      return place != nil ? .cut : tag.map(Edit.without) ?? .keep
    case .old:
      // What has a tag is new's for certain.
      return place.map(Edit.without) ?? (tag != nil || isOfNew(name, prefix, bytes) ? .cut : .keep)
    }
  }

  private func isOfNew(_ name: ByteRange, _ prefix: OldCookiePrefix, _ bytes: RawSpan) -> Bool {
    keptForOld.contains { prefix.isName($0, of: name, in: bytes) }
      || view.rules.namesOfNew.contains(bytes.extracting(name.range))
  }
}

/// The names of cookies that a request has for the old server.
///
/// Browsers keep fewer than 200 for a site. Past the room that is here, a cookie of the same name goes on beside the old
/// server's own: it harms nobody but the client that sends so many.
private struct KeptNames: ~Copyable {
  private var names = InlineArray<200, ByteRange>(repeating: .empty)
  private var count = 0

  mutating func append(_ name: ByteRange) {
    guard count < names.count else { return }
    names[count] = name
    count += 1
  }

  func contains(where matches: (ByteRange) -> Bool) -> Bool {
    (0..<count).contains { matches(names[$0]) }
  }
}
