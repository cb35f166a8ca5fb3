import Addressing
import EventLoop
import Glibc
import HTTP1
import Logging
import TLS
import Testing

@testable import Proxy

@Suite("the access log", .serialized)
struct AccessLogTests {
  private let folder: Folder
  private let origin: OriginServer
  /// 2026-03-01, 12:34:56 UTC.
  private let now: UInt64 = 1_772_368_496_000
  private let told = Told()

  private var logger: Logger { Logger(label: "test") { [told] _ in told } }

  init() throws {
    folder = try Folder()
    origin = OriginServer(try makeOrigin("10.0.0.5", port: 81, authority: "old:81"), worker: 0, room: .none)
  }

  private func open(_ name: String = "log") throws -> AccessLog {
    try AccessLog(destination: .file("\(folder.path)/\(name)"), logger: logger)
  }

  private func write(_ record: AccessRecord, of message: String, to log: WorkerLog) throws {
    let peer = try peerNamed("192.0.2.7")
    try withRequest(message) { head, fields, bytes in
      log.write(
        LoggedRequest(
          record: record, head: head, fields: LoggedFields(fields), sender: Sender(peer: peer),
          tookUs: 3_060_000 - record.beganUs),
        bytes: bytes, nowMs: now)
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
        + "old=10.0.0.5:81,200,2.045 note=retried,learned tls=-\n")
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
        + "new=10.0.0.5:81,-,0.099 old=- note=- tls=-\n")
  }

  @Test("tells the version and the cipher of TLS")
  func tellsTLS() throws {
    let log = try open()
    let worker = WorkerLog(log)
    var peer = try peerNamed("192.0.2.7")
    peer.tls = TLSAgreement(version: .tls12, cipher: .rsaAES256GCM)
    worker.write(LoggedRefusal(peer: peer, status: 400, bodyBytes: 57, tookUs: 0), nowMs: now)
    worker.flush()
    log.close()
    #expect(
      folder.contents(of: "log").hasSuffix(" note=bad-request tls=TLSv1.2/ECDHE-RSA-AES256-GCM-SHA384\n"))
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
    worker.write(
      LoggedRefusal(peer: try peerNamed("::1"), status: status, bodyBytes: 57, tookUs: 1_002_999), nowMs: now)
    worker.flush()
    log.close()
    #expect(
      folder.contents(of: "log")
        == "::1 - - [01/Mar/2026:12:34:56 +0000] \"-\" \(status) 57 \"-\" \"-\" route=- time=1.002 new=- old=- note=\(note) tls=-\n"
    )
  }

  @Test("has the time of each line, not that of the first")
  func tellsTime() throws {
    let log = try open()
    let worker = WorkerLog(log)
    let peer = try peerNamed("::1")
    for ms in [now, now + 999, now + 4_000, 0] {
      worker.write(LoggedRefusal(peer: peer, status: 400, bodyBytes: 57, tookUs: 1_002_999), nowMs: ms)
    }
    worker.flush()
    log.close()
    let times = folder.contents(of: "log").split(separator: "\n").map { $0.dropFirst(9).prefix(20) }
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
      let peer = Peer(.ip(IPAddress(ipv4: UInt32(number))), trusted: .none)
      worker.write(LoggedRefusal(peer: peer, status: 400, bodyBytes: 57, tookUs: 1_002_999), nowMs: now)
    }
    #expect(waits { !folder.contents(of: "log").isEmpty })
    worker.flush()
    worker.flush()
    log.close()
    let clients = folder.contents(of: "log").split(separator: "\n").map { $0.prefix { $0 != " " } }
    #expect(clients == (0..<2_000).map { "0.0.\($0 / 256).\($0 % 256)" })
    #expect(log.droppedLines == 0)
  }

  @Test("appends to a file that is there, and goes on in a new one once the old was renamed")
  func reopens() throws {
    let first = try open()
    first.write(block("one\n"))
    first.close()
    let log = try open()
    log.write(block("two\n"))
    #expect(waits { folder.contents(of: "log") == "one\ntwo\n" })
    rename("\(folder.path)/log", "\(folder.path)/log.1")
    try log.reopen()
    #expect(waits { folder.names.contains("log") })
    log.write(block("three\n"))
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
    log.write(block("line\n"))
    log.close()
    #expect(folder.contents(of: "log") == "line\n")
  }

  private func block(_ lines: String) -> AccessLog.Block {
    AccessLog.Block(bytes: Array(lines.utf8), lines: lines.count { $0 == "\n" })
  }

  /// A named pipe and the end that reads it.
  private func pipe() throws -> (path: String, reader: Int32) {
    let path = "\(folder.path)/pipe"
    try #require(mkfifo(path, 0o600) == 0)
    let reader = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    try #require(reader >= 0)
    return (path, reader)
  }

  @Test("drops and counts the lines past 16 MiB that wait for a reader, says so once, and when that is over")
  func isBounded() throws {
    let (path, reader) = try pipe()
    let log = try AccessLog(destination: .file(path), logger: logger)
    let line = String(repeating: ".", count: 1023) + "\n"
    let mebibyte = block(String(repeating: line, count: 1024))
    for _ in 0..<16 { log.write(mebibyte) }
    #expect(log.droppedLines == 0)
    log.write(mebibyte)
    log.write(block(line))
    #expect(log.droppedLines == 1025)
    #expect(told.lines.count == 1)
    #expect(told.lines[0].hasPrefix("the access log \(path) takes its lines too slowly"))
    var read = 0
    var room = [UInt8](repeating: 0, count: 1 << 20)
    #expect(
      waits {
        while case let count = Glibc.read(reader, &room, room.count), count > 0 { read += count }
        return read == 16 << 20
      })
    #expect(waits { told.lines.count == 2 })
    #expect(told.lines[1] == "the access log \(path) is written again dropped-lines=1025")
    log.close()
    close(reader)
  }

  @Test("ends soon though its reader does not read, and counts what that costs")
  func endsWithoutReader() throws {
    let (path, reader) = try pipe()
    let log = try AccessLog(destination: .file(path), logger: logger)
    let line = String(repeating: ".", count: 4095) + "\n"
    for _ in 0..<10 { log.write(block(String(repeating: line, count: 10))) }
    let beganMs = EventLoop.monotonicMs()
    log.close()
    #expect(EventLoop.monotonicMs() - beganMs < 12_000, "not two seconds for each block")
    var room = [UInt8](repeating: 0, count: 1 << 20)
    let read = Glibc.read(reader, &room, room.count)
    #expect(read > 0)
    #expect(log.droppedLines == 100 - UInt64(read / 4096))
    close(reader)
  }

  @Test("loses its reader without harm, and says so once")
  func losesReader() throws {
    signal(SIGPIPE, SIG_IGN)
    let (path, reader) = try pipe()
    let log = try AccessLog(destination: .file(path), logger: logger)
    close(reader)
    log.write(block("one\ntwo\n"))
    #expect(waits { log.droppedLines == 2 })
    log.write(block("three\n"))
    #expect(waits { log.droppedLines == 3 })
    #expect(told.lines.count == 1)
    #expect(told.lines[0].contains("has no reader any more"))
    // Another reader gets what comes from then on.
    let other = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    log.write(block("four\n"))
    #expect(waits { told.lines.count == 2 })
    log.close()
    var room = [UInt8](repeating: 0, count: 64)
    #expect(Glibc.read(other, &room, room.count) == 5)
    close(other)
  }

  @Test("a pipe that nobody reads is an error at the start, and no wait")
  func pipeWithoutReader() throws {
    let path = "\(folder.path)/pipe"
    try #require(mkfifo(path, 0o600) == 0)
    let error = #expect(throws: AccessLogError.self) {
      try AccessLog(destination: .file(path), logger: logger)
    }
    #expect(error?.description.hasSuffix("nobody reads this pipe: start its reader first") == true)
  }

  @Test("keeps its lines while the disk is full, and goes on in another file with whole ones")
  func survivesFullDisk() throws {
    let log = try AccessLog(destination: .file("/dev/full"), logger: logger)
    log.write(block("one\n"))
    #expect(waits { !told.lines.isEmpty })
    #expect(told.lines[0].hasPrefix("the access log /dev/full can't be written, as its disk is full"))
    #expect(log.droppedLines == 0)
    log.close()
    #expect(log.droppedLines == 1, "at the end it is not waited for")
  }

  @Test("closes at once when nothing waits")
  func closesAtOnce() throws {
    let log = try open()
    log.write(block("line\n"))
    let beganMs = EventLoop.monotonicMs()
    log.close()
    #expect(EventLoop.monotonicMs() - beganMs < 90)
    #expect(folder.contents(of: "log") == "line\n")
  }

  @Test("says which file can't be opened and why")
  func failsToOpen() {
    let path = "\(folder.path)/none/log"
    let error = #expect(throws: AccessLogError.self) {
      try AccessLog(destination: .file(path), logger: logger)
    }
    #expect(error?.description == "the access log \(path) can't be opened: No such file or directory")
  }
}

/// What the operator is told.
private final class Told: LogHandler, Sendable {
  private let all = Locked<[String]>([])
  var lines: [String] { all.withLock { $0 } }

  var logLevel: Logger.Level {
    get { .trace }
    set {}
  }
  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  func log(event: LogEvent) {
    let fields = (event.metadata ?? [:]).map { " \($0)=\($1)" }.joined()
    all.withLock { $0.append("\(event.message)\(fields)") }
  }
}
