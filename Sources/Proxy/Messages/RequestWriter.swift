import HTTP1

/// What the head of a forwarded request says beside what the client sent.
struct ForwardingPolicy {
  /// Write X-Forwarded-For, -Proto and -Host. What a peer that is not trusted says in these and the like goes no
  /// further either way.
  var writesForwarded: Bool
  /// Write Forwarded.
  var writesForwardedField = false
  /// Write Via.
  var writesVia: Bool
}

/// How a request to an origin differs from the client's, beside what forwarding writes.
struct RequestShape {
  /// Replaces the client's Host when not nil.
  var host: [UInt8]?
  /// Asks for a body without content coding, so that it can be looked into.
  var refusesCodings = false
  /// Asks by HEAD whether the page is there, whatever the method: without a body, a range and conditions.
  var isProbe = false
  /// Decides about its cookies when not nil.
  var cookies: CookieView?

  /// Whether a field is left out.
  func drops(_ field: FieldLine, _ bytes: RawSpan) -> Bool {
    if !refusesCodings, !isProbe { return false }
    let name = bytes.extracting(field.name.range)
    if refusesCodings, name.equalsIgnoringCase("accept-encoding") { return true }
    return isProbe
      && (name.beginsIgnoringCase(with: "content-") || name.beginsIgnoringCase(with: "if-")
        || name.equalsIgnoringCase("range") || field.id == .expect)
  }
}

/// Writes the head of a request as an origin is to get it.
///
/// Fields keep their order, case, duplicates and white space; whole runs of untouched lines are copied at once.
enum RequestWriter {
  /// - Parameters:
  ///   - bytes: the head as the client sent it; `head` and `fields` are offsets into it.
  ///   - fallbackHost: the Host for a client that sent none.
  ///   - clientSubject: see ``ClientConnection/clientSubject``.
  static func write(
    _ head: RequestHead, fields: borrowing FieldTable, bytes: RawSpan, shape: RequestShape,
    fallbackHost: @autoclosure () -> [UInt8], sender: Sender, clientSubject: [UInt8]? = nil,
    policy: ForwardingPolicy, into writer: inout ByteWriter
  ) {
    let hasSubject = clientSubject != nil
    var run = ByteRun()
    if shape.isProbe || head.line.isEmpty {
      writeLine(head, isProbe: shape.isProbe, bytes: bytes, into: &writer)
    } else {
      run.extend(with: head.line, from: bytes, into: &writer)
    }

    let host = shape.host
    let replacesHost = host != nil || head.targetForm == .absolute
    var hasHost = false
    for index in 0..<fields.count {
      let field = fields[index]
      if field.id == .host { hasHost = true }
      if field.id == .host, replacesHost {
        run.write(from: bytes, into: &writer)
        writeHost(host, head: head, bytes: bytes, into: &writer)
      } else if goesOn(field, head: head, sender: sender, hasSubject, policy), !shape.drops(field, bytes) {
        if field.id == .cookie, let cookies = shape.cookies {
          RequestCookies(cookies, fields: fields, bytes: bytes).write(
            field, from: bytes, run: &run, into: &writer)
        } else {
          run.extend(with: field.line, from: bytes, into: &writer)
        }
      }
    }
    run.write(from: bytes, into: &writer)

    if !hasHost {
      if host == nil, head.authority.isEmpty {
        writer.append("Host: ")
        writer.append(fallbackHost())
        writer.append("\r\n")
      } else {
        writeHost(host, head: head, bytes: bytes, into: &writer)
      }
    }
    if shape.refusesCodings { writer.append("Accept-Encoding: identity\r\n") }
    if head.framing == .chunked, !shape.isProbe { writer.append("Transfer-Encoding: chunked\r\n") }
    if head.wantsUpgrade { writer.append("Connection: upgrade\r\n") }
    if policy.writesForwarded {
      writeForwarded(head, fields: fields, bytes: bytes, sender: sender, into: &writer)
    }
    if policy.writesForwardedField { writeForwardedField(head, bytes, sender.peer, into: &writer) }
    if let clientSubject {
      writer.append("X-SSL-Client-Subject: ")
      writer.append(clientSubject)
      writer.append("\r\n")
    }
    if policy.writesVia {
      writer.append(sender.peer.speaksHTTP2 ? "Via: 2.0 relevo\r\n" : "Via: 1.1 relevo\r\n")
    }
    writer.append("\r\n")
  }

  /// Whether a field is passed on as it is.
  private static func goesOn(
    _ field: FieldLine, head: RequestHead, sender: Sender, _ hasSubject: Bool, _ policy: ForwardingPolicy
  ) -> Bool {
    switch field.id {
    case .xForwardedFor, .xForwardedProto:
      sender.peer.isTrusted && !policy.writesForwarded && !field.isHopByHop
    // Of two names the one counts that was checked here.
    case .clientSubject: sender.peer.isTrusted && !hasSubject && !field.isHopByHop
    case .xForwardedHost, .otherForwarding, .forwarded: sender.peer.isTrusted && !field.isHopByHop
    case .disguisedForwarding: false
    case .upgrade: head.wantsUpgrade
    // Who speaks HTTP/1.0 can't be waiting for a 100 (RFC 9110, 10.1.1).
    case .expect: head.minorVersion > 0 && !field.isHopByHop
    default: !field.isHopByHop
    }
  }

  private static func writeLine(
    _ head: RequestHead, isProbe: Bool, bytes: RawSpan, into writer: inout ByteWriter
  ) {
    if isProbe { writer.append("HEAD") } else { writer.append(bytes.extracting(head.methodName.range)) }
    writer.append(0x20)
    writeTarget(of: head, bytes: bytes, into: &writer)
    writer.append(" HTTP/1.1\r\n")
  }

  static func writeTarget(of head: RequestHead, bytes: RawSpan, into writer: inout ByteWriter) {
    switch head.targetForm {
    case .asterisk:
      writer.append("*")
    case .origin, .absolute:
      if head.pathAndQuery.isEmpty, head.method == .options {
        writer.append("*")
        return
      }
      if bytes.byte(at: head.pathAndQuery.lower) != UInt8(ascii: "/") || head.pathAndQuery.isEmpty {
        writer.append("/")
      }
      writer.append(bytes.extracting(head.pathAndQuery.range))
    }
  }

  private static func writeHost(
    _ host: [UInt8]?, head: RequestHead, bytes: RawSpan, into writer: inout ByteWriter
  ) {
    writer.append("Host: ")
    if let host { writer.append(host) } else { writer.append(bytes.extracting(head.authority.range)) }
    writer.append("\r\n")
  }

  private static func writeForwarded(
    _ head: RequestHead, fields: borrowing FieldTable, bytes: RawSpan, sender: Sender,
    into writer: inout ByteWriter
  ) {
    writeForwardedFor(fields, bytes, sender.peer, into: &writer)
    switch sender.scheme {
    case .http: writer.append("X-Forwarded-Proto: http\r\n")
    case .https: writer.append("X-Forwarded-Proto: https\r\n")
    }
    if !head.authority.isEmpty, !(sender.peer.isTrusted && passesHost(fields)) {
      writer.append("X-Forwarded-Host: ")
      writer.append(bytes.extracting(head.authority.range))
      writer.append("\r\n")
    }
  }

  /// What this hop knows of its peer (RFC 7239, 4). A line of its own goes on with the list of those before it.
  private static func writeForwardedField(
    _ head: RequestHead, _ bytes: RawSpan, _ peer: Peer, into writer: inout ByteWriter
  ) {
    writer.append("Forwarded: for=")
    switch peer.forwardedName {
    case nil: writer.append("unknown")
    case .some(let name) where name.contains(UInt8(ascii: ":")):
      writer.append("\"[")
      writer.append(name)
      writer.append("]\"")
    case .some(let name): writer.append(name)
    }
    if !head.authority.isEmpty {
      writer.append(";host=\"")
      writer.append(bytes.extracting(head.authority.range))
      writer.append("\"")
    }
    writer.append(";proto=")
    writer.append(peer.scheme.name)
    writer.append("\r\n")
  }

  /// A trusted peer has sent an X-Forwarded-Host, which goes on as it is.
  private static func passesHost(_ fields: borrowing FieldTable) -> Bool {
    for index in 0..<fields.count where fields[index].id == .xForwardedHost && !fields[index].isHopByHop {
      return true
    }
    return false
  }

  /// Those that a trusted peer names, then the peer itself; no line when that is nobody.
  private static func writeForwardedFor(
    _ fields: borrowing FieldTable, _ bytes: RawSpan, _ peer: Peer, into writer: inout ByteWriter
  ) {
    var isFirst = true
    func begin(_ writer: inout ByteWriter) {
      writer.append(isFirst ? "X-Forwarded-For: " : ", ")
      isFirst = false
    }
    if peer.isTrusted {
      for index in 0..<fields.count where fields[index].id == .xForwardedFor && !fields[index].value.isEmpty {
        begin(&writer)
        writer.append(bytes.extracting(fields[index].value.range))
      }
    }
    if let name = peer.forwardedName {
      begin(&writer)
      writer.append(name)
    }
    if !isFirst { writer.append("\r\n") }
  }
}
