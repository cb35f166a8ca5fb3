import HTTP1
import TLS

/// The combined format, and behind it who answered and what it took:
///
///     203.0.113.9 - - [01/Mar/2026:12:34:56 +0000] "GET /a HTTP/1.1" 200 48 "-" "curl/8" route=old-fallback time=0.012
///     new=10.0.0.11:80,404,0.004 old=10.0.0.2:80,200,0.007 note=learned tls=TLSv1.3/TLS_AES_128_GCM_SHA256
struct CombinedLine {
  private var time = LogTime(pattern: "%d/%b/%Y:%H:%M:%S +0000")

  mutating func write(
    _ request: LoggedRequest, bytes: RawSpan, nowMs: UInt64, into lines: inout ByteWriter
  ) {
    request.sender.appendClient(from: bytes, to: &lines)
    beginRequest(nowMs, &lines)
    // A token: nothing in it needs to be escaped.
    lines.append(bytes.extracting(request.head.methodName.range))
    lines.append(0x20)
    Self.append(bytes.extracting(request.head.target.range), to: &lines)
    lines.append(" ")
    lines.append(request.protocolName)
    lines.append("\" ")
    lines.append(decimal: UInt64(request.record.status))
    lines.append(0x20)
    lines.append(decimal: request.record.bodyBytes)
    Self.append(request.fields.referer, bytes, to: &lines)
    Self.append(request.fields.userAgent, bytes, to: &lines)
    lines.append(" route=")
    lines.append(request.record.route.name)
    lines.append(" time=")
    lines.append(secondsOf: request.tookUs)
    lines.append(" new=")
    Self.append(request.record.new, to: &lines)
    lines.append(" old=")
    Self.append(request.record.old, to: &lines)
    Self.append(request.record.notes, to: &lines)
    Self.append(request.sender.peer.tls, to: &lines)
    lines.append("\n")
  }

  mutating func write(_ refusal: LoggedRefusal, nowMs: UInt64, into lines: inout ByteWriter) {
    lines.append(refusal.peer.name)
    beginRequest(nowMs, &lines)
    lines.append("-\" ")
    lines.append(decimal: UInt64(refusal.status))
    lines.append(0x20)
    lines.append(decimal: refusal.bodyBytes)
    lines.append(" \"-\" \"-\" route=- time=")
    lines.append(secondsOf: refusal.tookUs)
    lines.append(" new=- old=- note=")
    lines.append(refusal.note)
    Self.append(refusal.peer.tls, to: &lines)
    lines.append("\n")
  }

  private mutating func beginRequest(_ nowMs: UInt64, _ lines: inout ByteWriter) {
    time.set(nowMs)
    lines.append(" - - [")
    lines.append(time.text)
    lines.append("] \"")
  }

  private static func append(_ attempt: AccessRecord.Attempt?, to lines: inout ByteWriter) {
    guard let attempt else { return lines.append("-") }
    lines.append(attempt.label)
    lines.append(",")
    if attempt.status == 0 { lines.append("-") } else { lines.append(decimal: UInt64(attempt.status)) }
    lines.append(",")
    lines.append(secondsOf: attempt.tookUs)
  }

  private static func append(_ notes: Notes, to lines: inout ByteWriter) {
    lines.append(" note=")
    if notes.isEmpty { return lines.append("-") }
    var isFirst = true
    for (note, name) in Notes.names where notes.contains(note) {
      if !isFirst { lines.append(",") }
      lines.append(name)
      isFirst = false
    }
  }

  private static func append(_ tls: TLSAgreement?, to lines: inout ByteWriter) {
    guard let tls else { return lines.append(" tls=-") }
    lines.append(" tls=")
    lines.append(tls.version.name)
    lines.append("/")
    lines.append(tls.cipher.name)
  }

  private static func append(_ value: ByteRange?, _ bytes: RawSpan, to lines: inout ByteWriter) {
    lines.append(" \"")
    if let value { append(bytes.extracting(value.range), to: &lines) } else { lines.append("-") }
    lines.append("\"")
  }

  /// What a client sends can't end the quotes or the line.
  private static func append(_ bytes: RawSpan, to lines: inout ByteWriter) {
    var start = 0
    while true {
      let plainEnd = bytes.endOfQuotable(from: start)
      lines.append(bytes.extracting(start..<plainEnd))
      if plainEnd == bytes.byteCount { return }
      let byte = bytes.byte(at: plainEnd)
      lines.append("\\x")
      if byte < 0x10 { lines.append("0") }
      lines.append(hexadecimal: UInt64(byte))
      start = plainEnd + 1
    }
  }
}
