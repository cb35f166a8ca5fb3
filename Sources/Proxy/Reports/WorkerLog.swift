import EventLoop
import Glibc
import HTTP1

/// One worker's part of the access log: lines are gathered here and handed over in blocks, so that no loop
/// waits for a disk.
final class WorkerLog {
  private static let blockBytes = 32 << 10
  private let log: AccessLog
  private var lines = ByteWriter(capacity: blockBytes + 4096)
  /// The present second and its text.
  private var second: UInt32 = 0
  private var timeText: [UInt8] = []

  init(_ log: AccessLog) {
    self.log = log
  }

  /// Adds the line of an exchange whose head is in `bytes`.
  func write(
    _ record: AccessRecord, of head: RequestHead, bytes: RawSpan, fields: borrowing FieldTable,
    sender: Sender, nowUs: UInt64, nowSeconds: UInt32
  ) {
    sender.appendClient(from: bytes, to: &lines)
    beginRequest(nowSeconds)
    appendEscaped(bytes.extracting(head.methodName.range))
    lines.append(0x20)
    appendEscaped(bytes.extracting(head.target.range))
    lines.append(head.minorVersion == 0 ? " HTTP/1.0\" " : " HTTP/1.1\" ")
    lines.append(decimal: UInt64(record.status))
    lines.append(0x20)
    lines.append(decimal: record.bodyBytes)
    lines.append(0x20)
    appendQuoted(.referer, fields, bytes)
    lines.append(0x20)
    appendQuoted(.userAgent, fields, bytes)
    lines.append(" route=")
    lines.append(record.route.name)
    lines.append(" time=")
    append(seconds: nowUs &- record.beganUs)
    lines.append(" new=")
    append(record.new)
    lines.append(" old=")
    append(record.old)
    append(record.notes)
    lines.append("\n")
    if lines.count >= Self.blockBytes { flush() }
  }

  /// Adds the line of a message that was no request.
  func refused(client: [UInt8], status: UInt16, tookUs: UInt64, nowSeconds: UInt32) {
    lines.append(client)
    beginRequest(nowSeconds)
    lines.append("-\" ")
    lines.append(decimal: UInt64(status))
    lines.append(" 0 \"-\" \"-\" route=- time=")
    append(seconds: tookUs)
    lines.append(" new=- old=- note=")
    lines.append(status == 408 ? "client-gone\n" : "bad-request\n")
    if lines.count >= Self.blockBytes { flush() }
  }

  /// Hands what is gathered to the log's thread.
  func flush() {
    if lines.isEmpty { return }
    lines.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe log.write(Array($0)) } }
    lines.removeAll()
  }

  private func beginRequest(_ nowSeconds: UInt32) {
    lines.append(" - - [")
    if nowSeconds != second || timeText.isEmpty {
      second = nowSeconds
      timeText = Self.text(of: nowSeconds)
    }
    lines.append(timeText)
    lines.append("] \"")
  }

  private func append(_ attempt: AccessRecord.Attempt?) {
    guard let attempt else { return lines.append("-") }
    lines.append(attempt.label)
    lines.append(",")
    if attempt.status == 0 { lines.append("-") } else { lines.append(decimal: UInt64(attempt.status)) }
    lines.append(",")
    append(seconds: attempt.tookUs)
  }

  /// Seconds with three decimal places.
  private func append(seconds us: UInt64) {
    lines.append(decimal: us / 1_000_000)
    let thousandths = us / 1000 % 1000
    lines.append(thousandths < 10 ? ".00" : thousandths < 100 ? ".0" : ".")
    lines.append(decimal: thousandths)
  }

  private func append(_ notes: Notes) {
    lines.append(" note=")
    if notes.isEmpty { return lines.append("-") }
    var isFirst = true
    for (note, name) in Notes.names where notes.contains(note) {
      if !isFirst { lines.append(",") }
      lines.append(name)
      isFirst = false
    }
  }

  private func appendQuoted(_ name: FieldName, _ fields: borrowing FieldTable, _ bytes: RawSpan) {
    lines.append("\"")
    var isThere = false
    for index in 0..<fields.count where fields[index].id == name {
      appendEscaped(bytes.extracting(fields[index].value.range))
      isThere = true
      break
    }
    lines.append(isThere ? "\"" : "-\"")
  }

  /// What a client sends can't end the quotes or the line.
  private func appendEscaped(_ bytes: RawSpan) {
    for index in 0..<bytes.byteCount {
      let byte = bytes.byte(at: index)
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 || byte >= 0x7F {
        lines.append("\\x")
        if byte < 0x10 { lines.append("0") }
        lines.append(hexadecimal: UInt64(byte))
      } else {
        lines.append(byte)
      }
    }
  }

  private static func text(of seconds: UInt32) -> [UInt8] {
    var time = time_t(seconds)
    var parts = unsafe tm()
    unsafe gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 64)
    let count = unsafe strftime(&text, text.count, "%d/%b/%Y:%H:%M:%S +0000", &parts)
    return text.prefix(count).map(UInt8.init(bitPattern:))
  }
}
