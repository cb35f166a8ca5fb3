import EventLoop
import Glibc
import HTTP1
import Testing

@testable import Proxy

@Suite("the access log", .serialized)
struct AccessLogTests {
  private let folder: Folder
  private let origin: OriginServer
  /// 2026-03-01, 12:34:56 UTC.
  private let now: UInt32 = 1_772_368_496

  init() throws {
    folder = try Folder()
    origin = OriginServer(try makeOrigin("10.0.0.5", port: 81, authority: "old:81"), worker: 0, room: .none)
  }

  private func open(_ name: String = "log") throws -> AccessLog {
    try AccessLog(destination: .file("\(folder.path)/\(name)"))
  }

  private func write(_ record: AccessRecord, of message: String, to log: WorkerLog) throws {
    let peer = try peerNamed("192.0.2.7")
    try withRequest(message) { head, fields, bytes in
      log.write(
        record, of: head, bytes: bytes, fields: fields, sender: Sender(peer: peer),
        nowUs: 3_060_000, nowSeconds: now)
    }
  }

  /// The lines that one record leaves in a file.
  private func line(_ record: AccessRecord, of message: String) throws -> String {
    let log = try open()
    let worker = WorkerLog(log)
    try write(record, of: message, to: worker)
    worker.flush()
    log.close()
    return folder.contents(of: "log")
  }

  @Test("has a line in the combined format, then the route, both attempts and the notes")
  func writesLine() throws {
    var record = AccessRecord()
    record.beganUs = 999_900
    record.beginAttempt(old: false, server: origin, nowUs: 1_000_000)
    record.endAttempt(old: false, status: 404, nowUs: 1_007_000)
    record.beginAttempt(old: true, server: origin, nowUs: 1_007_000)
    record.endAttempt(old: true, status: 200, nowUs: 3_052_000)
    record.route = .oldAfterMiss
    record.status = 200
    record.bodyBytes = 5_000_000_000
    record.notes = [.learned, .retried]
    let message =
      "GET /a?b=%22 HTTP/1.1\r\nHost: h\r\nuser-agent: Mozilla/5.0 (X)\r\nReferer: http://r/\r\n\r\n"
    #expect(
      try line(record, of: message)
        == "192.0.2.7 - - [01/Mar/2026:12:34:56 +0000] \"GET /a?b=%22 HTTP/1.1\" 200 5000000000 "
        + "\"http://r/\" \"Mozilla/5.0 (X)\" route=old-fallback time=2.060 new=10.0.0.5:81,404,0.007 "
        + "old=10.0.0.5:81,200,2.045 note=retried,learned\n")
  }

  @Test("marks what there is not with a dash")
  func writesDashes() throws {
    var record = AccessRecord()
    record.beganUs = 999_900
    record.status = 502
    record.beginAttempt(old: false, server: origin, nowUs: 1_000_000)
    record.endAttempt(old: false, status: 0, nowUs: 1_099_000)
    #expect(
      try line(record, of: "PURGE / HTTP/1.0\r\n\r\n")
        == "192.0.2.7 - - [01/Mar/2026:12:34:56 +0000] \"PURGE / HTTP/1.0\" 502 0 \"-\" \"-\" route=- time=2.060 "
        + "new=10.0.0.5:81,-,0.099 old=- note=-\n")
  }

  @Test("lets no client end the quotes or the line")
  func escapes() throws {
    let message =
      "GET /\"\\ HTTP/1.1\r\nHost: h\r\nReferer: a\" 200 0 \\x\r\nUser-Agent: é\tü\r\nUser-Agent: b\r\n\r\n"
    let line = try line(AccessRecord(), of: message)
    #expect(line.hasPrefix("192.0.2.7 - - [01/Mar/2026:12:34:56 +0000] \"GET /\\x22\\x5c HTTP/1.1\" 0 0 "))
    #expect(line.contains(" \"a\\x22 200 0 \\x5cx\" \"\\xc3\\xa9\\x09\\xc3\\xbc\" route=-"))
  }

  @Test(
    "has a line for a message that was no request", arguments: [(400, "bad-request"), (408, "client-gone")])
  func writesRefused(_ status: UInt16, _ note: String) throws {
    let log = try open()
    let worker = WorkerLog(log)
    worker.refused(client: Array("::1".utf8), status: status, tookUs: 1_002_999, nowSeconds: now)
    worker.flush()
    log.close()
    #expect(
      folder.contents(of: "log")
        == "::1 - - [01/Mar/2026:12:34:56 +0000] \"-\" \(status) 0 \"-\" \"-\" route=- time=1.002 new=- old=- note=\(note)\n"
    )
  }

  @Test("has the time of each line, not that of the first")
  func tellsTime() throws {
    let log = try open()
    let worker = WorkerLog(log)
    for seconds in [now, now, now + 4, 0] {
      worker.refused(client: [0x2D], status: 400, tookUs: 1_002_999, nowSeconds: seconds)
    }
    worker.flush()
    log.close()
    let times = folder.contents(of: "log").split(separator: "\n").map { $0.dropFirst(7).prefix(20) }
    #expect(
      times == [
        "01/Mar/2026:12:34:56", "01/Mar/2026:12:34:56", "01/Mar/2026:12:35:00", "01/Jan/1970:00:00:00",
      ])
  }

  @Test("keeps every note apart, and each has a name")
  func namesNotes() {
    #expect(Set(Notes.names.map { "\($0.1)" }).count == Notes.names.count)
    #expect(Notes.names.reduce(into: Notes()) { $0.formUnion($1.0) }.rawValue == 1 << Notes.names.count - 1)
  }

  @Test("hands lines over by itself once a block is full, whole and in order")
  func handsBlocksOver() throws {
    let log = try open()
    let worker = WorkerLog(log)
    for number in 0..<2_000 {
      worker.refused(client: Array("client-\(number)".utf8), status: 400, tookUs: 1_002_999, nowSeconds: now)
    }
    #expect(waits { !folder.contents(of: "log").isEmpty })
    worker.flush()
    worker.flush()
    log.close()
    let clients = folder.contents(of: "log").split(separator: "\n").map { $0.prefix { $0 != " " } }
    #expect(clients == (0..<2_000).map { "client-\($0)" })
    #expect(log.droppedBytes == 0)
  }

  @Test("appends to a file that is there, and goes on in a new one once the old was renamed")
  func reopens() throws {
    let first = try open()
    first.write(Array("one\n".utf8))
    first.close()
    let log = try open()
    log.write(Array("two\n".utf8))
    #expect(waits { folder.contents(of: "log") == "one\ntwo\n" })
    rename("\(folder.path)/log", "\(folder.path)/log.1")
    try log.reopen()
    #expect(waits { folder.names.contains("log") })
    log.write(Array("three\n".utf8))
    log.close()
    #expect(folder.contents(of: "log.1") == "one\ntwo\n")
    #expect(folder.contents(of: "log") == "three\n")
  }

  @Test("stays with the old file when the new one can't be made")
  func survivesReopening() throws {
    let log = try open()
    rename(folder.path, folder.path + ".moved")
    #expect(throws: AccessLogError.self) { try log.reopen() }
    rename(folder.path + ".moved", folder.path)
    log.write(Array("line\n".utf8))
    log.close()
    #expect(folder.contents(of: "log") == "line\n")
  }

  @Test("drops and counts what is past 16 MiB of lines that wait")
  func isBounded() throws {
    let log = try open()
    log.write([UInt8](repeating: 0x2E, count: 16 << 20))
    #expect(log.droppedBytes == 0)
    log.write([UInt8](repeating: 0x2E, count: (16 << 20) + 1))
    log.write([])
    #expect(log.droppedBytes == (16 << 20) + 1)
    log.close()
    #expect(folder.contents(of: "log").utf8.count == 16 << 20)
  }

  @Test("says which file can't be opened and why")
  func failsToOpen() {
    let path = "\(folder.path)/none/log"
    let error = #expect(throws: AccessLogError.self) { try AccessLog(destination: .file(path)) }
    #expect(error?.description == "the access log \(path) can't be opened: No such file or directory")
  }
}
