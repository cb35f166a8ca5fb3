import HTTP1
import TLS

/// One JSON object a line (RFC 8259), always with the same names in the same order; null where there is nothing to say.
struct JSONLine {
  private var time = LogTime(pattern: "%Y-%m-%dT%H:%M:%S")

  mutating func write(
    _ request: LoggedRequest, bytes: RawSpan, nowMs: UInt64, into lines: inout ByteWriter
  ) {
    begin(nowMs, &lines)
    lines.append(",\"client\":\"")
    request.sender.appendClient(from: bytes, to: &lines)
    lines.append("\",\"peer\":\"")
    lines.append(request.sender.peer.name)
    lines.append("\",\"method\":")
    Self.append(bytes.extracting(request.head.methodName.range), to: &lines)
    lines.append(",\"scheme\":\"")
    lines.append(request.sender.scheme.name)
    lines.append("\"")
    Self.append(request.sender.peer.tls, to: &lines)
    lines.append(",\"host\":")
    if request.head.authority.isEmpty {
      lines.append("null")
    } else {
      Self.append(bytes.extracting(request.head.authority.range), to: &lines)
    }
    lines.append(",\"target\":")
    Self.append(bytes.extracting(request.head.target.range), to: &lines)
    lines.append(",\"protocol\":\"")
    lines.append(request.protocolName)
    lines.append("\"")
    Self.append(
      status: request.record.status, request.record.bodyBytes, request.record.requestBytes, request.tookUs,
      to: &lines)
    lines.append(",\"route\":\"")
    lines.append(request.record.route == .own ? "own" : request.record.route.name)
    lines.append("\",\"new\":")
    Self.append(request.record.new, to: &lines)
    lines.append(",\"old\":")
    Self.append(request.record.old, to: &lines)
    lines.append(",\"retries\":")
    lines.append(decimal: UInt64(request.record.retries))
    lines.append(",\"notes\":[")
    var isFirst = true
    for (note, name) in Notes.names where request.record.notes.contains(note) {
      lines.append(isFirst ? "\"" : ",\"")
      lines.append(name)
      lines.append("\"")
      isFirst = false
    }
    lines.append("],\"referer\":")
    Self.append(request.fields.referer, bytes, to: &lines)
    lines.append(",\"userAgent\":")
    Self.append(request.fields.userAgent, bytes, to: &lines)
    lines.append("}\n")
  }

  mutating func write(_ refusal: LoggedRefusal, nowMs: UInt64, into lines: inout ByteWriter) {
    begin(nowMs, &lines)
    for name: StaticString in ["client", "peer"] {
      lines.append(",\"")
      lines.append(name)
      lines.append("\":\"")
      lines.append(refusal.peer.name)
      lines.append("\"")
    }
    lines.append(",\"method\":null,\"scheme\":\"")
    lines.append(refusal.peer.scheme.name)
    lines.append("\"")
    Self.append(refusal.peer.tls, to: &lines)
    lines.append(",\"host\":null,\"target\":null,\"protocol\":null")
    Self.append(status: refusal.status, refusal.bodyBytes, 0, refusal.tookUs, to: &lines)
    lines.append(",\"route\":\"own\",\"new\":null,\"old\":null,\"retries\":0,\"notes\":[\"")
    lines.append(refusal.note)
    lines.append("\"],\"referer\":null,\"userAgent\":null}\n")
  }

  private mutating func begin(_ nowMs: UInt64, _ lines: inout ByteWriter) {
    time.set(nowMs)
    lines.append("{\"time\":\"")
    lines.append(time.text)
    lines.append(".")
    lines.append(decimal: time.milliseconds, digits: 3)
    lines.append("Z\"")
  }

  private static func append(
    status: UInt16, _ bytes: UInt64, _ requestBytes: UInt64, _ tookUs: UInt64, to lines: inout ByteWriter
  ) {
    lines.append(",\"status\":")
    lines.append(decimal: UInt64(status))
    lines.append(",\"bytes\":")
    lines.append(decimal: bytes)
    lines.append(",\"requestBytes\":")
    lines.append(decimal: requestBytes)
    lines.append(",\"seconds\":")
    lines.append(exactSecondsOf: tookUs)
  }

  private static func append(_ attempt: AccessRecord.Attempt?, to lines: inout ByteWriter) {
    guard let attempt else { return lines.append("null") }
    lines.append("{\"origin\":")
    attempt.label.withBytes { append($0, to: &lines) }
    lines.append(",\"status\":")
    if attempt.status == 0 { lines.append("null") } else { lines.append(decimal: UInt64(attempt.status)) }
    lines.append(",\"seconds\":")
    lines.append(exactSecondsOf: attempt.tookUs)
    lines.append("}")
  }

  private static func append(_ tls: TLSAgreement?, to lines: inout ByteWriter) {
    guard let tls else { return lines.append(",\"tls\":null") }
    lines.append(",\"tls\":{\"version\":\"")
    lines.append(tls.version.name)
    lines.append("\",\"cipher\":\"")
    lines.append(tls.cipher.name)
    lines.append("\"}")
  }

  private static func append(_ value: ByteRange?, _ bytes: RawSpan, to lines: inout ByteWriter) {
    guard let value else { return lines.append("null") }
    append(bytes.extracting(value.range), to: &lines)
  }

  /// A string. What is no UTF-8 becomes U+FFFD; control characters are escaped, those of C1 as well, which a terminal would
  /// obey.
  private static func append(_ bytes: RawSpan, to lines: inout ByteWriter) {
    lines.append("\"")
    var offset = 0
    while offset < bytes.byteCount {
      let plainEnd = bytes.endOfQuotable(from: offset)
      lines.append(bytes.extracting(offset..<plainEnd))
      offset = plainEnd
      if offset == bytes.byteCount { break }
      let byte = bytes.byte(at: offset)
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        lines.append("\\")
        lines.append(byte)
        offset += 1
      case 0..<0x80:
        append(escapeOf: byte, to: &lines)
        offset += 1
      default:
        let length = UTF8Sequence.length(in: bytes, at: offset)
        if length == 0 {
          lines.append("\u{FFFD}")
        } else if byte == 0xC2, bytes.byte(at: offset + 1) < 0xA0 {
          append(escapeOf: bytes.byte(at: offset + 1), to: &lines)
        } else {
          lines.append(bytes.extracting(offset..<offset + length))
        }
        offset += max(1, length)
      }
    }
    lines.append("\"")
  }

  private static func append(escapeOf byte: UInt8, to lines: inout ByteWriter) {
    lines.append(byte < 0x10 ? "\\u000" : "\\u00")
    lines.append(hexadecimal: UInt64(byte))
  }
}

enum UTF8Sequence {
  /// Bytes of the well-formed sequence of two bytes or more that begins at an offset (Unicode, table 3-7); 0 when none
  /// does.
  static func length(in bytes: RawSpan, at offset: Int) -> Int {
    func isTail(_ index: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
      range.contains(bytes.byte(at: offset + index))
    }
    return switch bytes.byte(at: offset) {
    case 0xC2...0xDF: isTail(1) ? 2 : 0
    case 0xE0: isTail(1, 0xA0...0xBF) && isTail(2) ? 3 : 0
    case 0xED: isTail(1, 0x80...0x9F) && isTail(2) ? 3 : 0
    case 0xE1...0xEF: isTail(1) && isTail(2) ? 3 : 0
    case 0xF0: isTail(1, 0x90...0xBF) && isTail(2) && isTail(3) ? 4 : 0
    case 0xF1...0xF3: isTail(1) && isTail(2) && isTail(3) ? 4 : 0
    case 0xF4: isTail(1, 0x80...0x8F) && isTail(2) && isTail(3) ? 4 : 0
    default: 0
    }
  }
}
