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
}

/// The old server's own address, which must not reach the client, and what stands in its place.
struct LocationRewrite {
  /// `host` or `host:port` forms by which the old server is known inside.
  var internalAuthorities: [[UInt8]]
  /// The client's Host.
  var publicAuthority: [UInt8]
}

/// Writes the head of an answer as the client is to get it.
enum AnswerWriter {
  static func write(
    _ head: ResponseHead, fields: borrowing FieldTable, bytes: RawSpan, shape: AnswerShape,
    rewrite: LocationRewrite?, into writer: inout ByteWriter
  ) {
    writer.append("HTTP/1.1 ")
    writer.append(decimal: UInt64(head.status))
    writer.append(0x20)
    writer.append(bytes.extracting(head.reason.range))
    writer.append("\r\n")

    let vary = shape.variesByReferer ? VaryByReferer(fields, bytes: bytes) : .asItIs
    var run = ByteRun()
    for index in 0..<fields.count {
      let field = fields[index]
      if case .added(to: index) = vary {
        run.write(from: bytes, into: &writer)
        writer.append(bytes.extracting(field.line.lower..<field.value.upper))
        writer.append(", Referer")
        writer.append(bytes.extracting(field.value.upper..<field.line.upper))
      } else if let rewrite, !field.isHopByHop,
        let place = internalAuthority(in: field, bytes: bytes, rewrite: rewrite)
      {
        run.write(from: bytes, into: &writer)
        writer.append(bytes.extracting(field.line.lower..<place.lowerBound))
        writer.append(rewrite.publicAuthority)
        writer.append(bytes.extracting(place.upperBound..<field.line.upper))
      } else if !field.isHopByHop || (field.id == .upgrade && head.status == 101) {
        run.extend(with: field.line, from: bytes, into: &writer)
      }
    }
    run.write(from: bytes, into: &writer)

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

  /// Where a Location names the old server; nil when it names another place.
  private static func internalAuthority(
    in field: FieldLine, bytes: RawSpan, rewrite: LocationRewrite
  ) -> Range<Int>? {
    guard field.id == .location || field.id == .contentLocation else { return nil }
    let value = bytes.extracting(field.value.range)
    guard let authority = URIReference.split(value).authority else { return nil }
    let named = value.extracting(authority.range)
    guard rewrite.internalAuthorities.contains(where: { named.equalsIgnoringCase($0) }) else { return nil }
    return field.value.lower + authority.lower..<field.value.lower + authority.upper
  }
}
