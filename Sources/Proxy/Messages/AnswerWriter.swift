import HTTP1

/// How the head of a forwarded answer ends.
struct AnswerShape {
  /// The body goes out in chunks.
  var isChunked: Bool
  /// What the connection does afterwards: nil says nothing, which in HTTP/1.1 means that it stays.
  var connection: StaticString?
  /// Written as X-Relevo-Route when not nil.
  var route: Route?
  /// Vary names Referer.
  var variesByReferer = false
  /// What the client speaks: where the old server's own address is replaced, `http` becomes `https` with it.
  var publicScheme = Scheme.http
  /// Written in place of the origin's own line of this name when not nil; see ``StrictTransport``.
  var strictTransport: StrictTransport?
}

/// The line that has clients use nothing but TLS (RFC 6797).
struct StrictTransport: Sendable {
  let line: [UInt8]

  init(seconds: Int) { line = Array("Strict-Transport-Security: max-age=\(seconds)\r\n".utf8) }
}

/// Writes the head of an answer as the client is to get it.
enum AnswerWriter {
  /// - Parameter publicAuthority: the client's Host, which may be empty; nothing names the site in public then.
  static func write(
    _ head: ResponseHead, fields: borrowing FieldTable, bytes: RawSpan, shape: AnswerShape,
    source: AnswerSource, publicAuthority: RawSpan, into writer: inout ByteWriter
  ) {
    var run = ByteRun()
    if head.line.isEmpty {
      writer.append("HTTP/1.1 ")
      writer.append(decimal: UInt64(head.status))
      writer.append(0x20)
      writer.append(bytes.extracting(head.reason.range))
      writer.append("\r\n")
    } else {
      run.extend(with: head.line, from: bytes, into: &writer)
    }

    let vary = shape.variesByReferer ? VaryByReferer(fields, bytes: bytes) : .asItIs
    for index in 0..<fields.count {
      let field = fields[index]
      if case .added(to: index) = vary {
        run.write(from: bytes, into: &writer)
        writer.append(bytes.extracting(field.line.lower..<field.value.upper))
        writer.append(", Referer")
        writer.append(bytes.extracting(field.value.upper..<field.line.upper))
      } else if field.id == .strictTransportSecurity, shape.strictTransport != nil {
        continue
      } else if field.isHopByHop {
        if field.id == .upgrade, head.status == 101 {
          run.extend(with: field.line, from: bytes, into: &writer)
        }
      } else {
        write(field, source, publicAuthority, shape.publicScheme, from: bytes, run: &run, into: &writer)
      }
    }
    run.write(from: bytes, into: &writer)

    if let strictTransport = shape.strictTransport { writer.append(strictTransport.line) }
    if case .ownLine = vary { writer.append("Vary: Referer\r\n") }
    if head.status == 101 { writer.append("Connection: upgrade\r\n") }
    if shape.isChunked { writer.append("Transfer-Encoding: chunked\r\n") }
    if let connection = shape.connection {
      writer.append("Connection: ")
      writer.append(connection)
      writer.append("\r\n")
    }
    if let route = shape.route {
      writer.append("X-Relevo-Route: ")
      writer.append(route.name)
      writer.append("\r\n")
    }
    writer.append("\r\n")
  }

  /// Adds what goes on of a field to the run, with what must change about it.
  private static func write(
    _ field: FieldLine, _ source: AnswerSource, _ publicAuthority: RawSpan,
    _ publicScheme: Scheme, from bytes: RawSpan,
    run: inout ByteRun, into writer: inout ByteWriter
  ) {
    switch (field.id, source) {
    case (.location, .old(let old)), (.contentLocation, .old(let old)):
      guard publicAuthority.byteCount > 0, let place = old.address.place(in: field.value, of: bytes) else {
        break
      }
      let authority = place.lower
      var start = field.line.lower
      let scheme = field.value.lower..<authority
      if publicScheme == .https, bytes.extracting(scheme).equalsIgnoringCase("http://") {
        let end = field.value.lower + "http".utf8.count
        run.extend(with: ByteRange(lower: start, upper: end), from: bytes, into: &writer)
        run.write(from: bytes, into: &writer)
        writer.append("s")
        start = end
      }
      run.extend(with: ByteRange(lower: start, upper: authority), from: bytes, into: &writer)
      run.write(from: bytes, into: &writer)
      writer.append(publicAuthority)
      return run.extend(
        with: ByteRange(lower: place.upper, upper: field.line.upper), from: bytes, into: &writer)
    case (.setCookie, .old(let old)):
      return AnswerCookies.writeOld(
        field, old, from: bytes, publicAuthority: publicAuthority, run: &run, into: &writer)
    case (.setCookie, .new(let new?)):
      return AnswerCookies.writeNew(field, new, from: bytes, run: &run, into: &writer)
    default: break
    }
    run.extend(with: field.line, from: bytes, into: &writer)
  }
}
