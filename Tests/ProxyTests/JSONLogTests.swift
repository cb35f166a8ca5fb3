import Addressing
import EventLoop
import Foundation
import HTTP1
import Logging
import TLS
import Testing

@testable import Proxy

@Suite("the access log as JSON")
struct JSONLogTests {
  private let folder: Folder
  /// 2026-03-01, 12:34:56.007 UTC.
  private let now: UInt64 = 1_772_368_496_007

  init() throws { folder = try Folder() }

  /// What is written by `body`.
  private func written(_ body: (WorkerLog) throws -> Void) throws -> [UInt8] {
    let path = "\(folder.path)/log"
    unlink(path)
    let log = try AccessLog(
      destination: .file(path), format: .json, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
    let worker = WorkerLog(log)
    try body(worker)
    worker.flush()
    log.close()
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func line(_ record: AccessRecord, of message: [UInt8], tookUs: UInt64 = 0) throws -> [UInt8] {
    let peer = try peerNamed("192.0.2.7")
    return try written { log in
      try withRequest(message) { head, fields, bytes in
        log.write(
          LoggedRequest(
            record: record, head: head, fields: LoggedFields(fields), sender: Sender(peer: peer),
            tookUs: tookUs),
          bytes: bytes, nowMs: now)
      }
    }
  }

  @Test("has one object a line, with the same names in the same order")
  func exact() throws {
    var record = AccessRecord()
    let origin = OriginServer(try makeOrigin("10.0.0.5", port: 81), worker: 0, room: .none)
    record.beginAttempt(old: false, server: origin, nowUs: 1_000_000)
    record.endAttempt(old: false, status: 404, nowUs: 1_007_001)
    record.beginAttempt(old: true, server: origin, nowUs: 1_007_000)
    record.endAttempt(old: true, status: 0, nowUs: 13_052_000)
    record.route = .held
    record.status = 404
    record.bodyBytes = 5_000_000_000
    record.requestBytes = 17
    record.retries = 2
    record.notes = [.oldDown, .retried]
    let message = "POST /a?b=%22 HTTP/1.1\r\nHost: h:80\r\nuser-agent: Mozilla/5.0 (\"X\")\r\n\r\n"
    #expect(
      text(try line(record, of: Array(message.utf8), tookUs: 12_060_042))
        == #"{"time":"2026-03-01T12:34:56.007Z","client":"192.0.2.7","peer":"192.0.2.7","method":"POST","#
        + #""scheme":"http","tls":null,"host":"h:80","target":"/a?b=%22","protocol":"HTTP/1.1","status":404,"bytes":5000000000,"#
        + #""requestBytes":17,"seconds":12.060042,"route":"held","#
        + #""new":{"origin":"10.0.0.5:81","status":404,"seconds":0.007001},"#
        + #""old":{"origin":"10.0.0.5:81","status":null,"seconds":12.045000},"retries":2,"notes":["old-down","retried"],"#
        + #""referer":null,"userAgent":"Mozilla/5.0 (\"X\")"}"# + "\n")
  }

  @Test("has the same names for a message that was no request")
  func refusal() throws {
    var peer = try peerNamed("::1")
    peer.tls = TLSAgreement(version: .tls13, cipher: .chaCha20Poly1305)
    let line = try written {
      $0.write(LoggedRefusal(peer: peer, status: 400, bodyBytes: 57, tookUs: 1_500), nowMs: now)
    }
    #expect(
      text(line)
        == #"{"time":"2026-03-01T12:34:56.007Z","client":"::1","peer":"::1","method":null,"scheme":"http","#
        + #""tls":{"version":"TLSv1.3","cipher":"TLS_CHACHA20_POLY1305_SHA256"},"host":null,"#
        + #""target":null,"protocol":null,"status":400,"bytes":57,"requestBytes":0,"seconds":0.001500,"route":"own","#
        + #""new":null,"old":null,"retries":0,"notes":["bad-request"],"referer":null,"userAgent":null}"#
        + "\n")
  }

  @Test(
    "keeps UTF-8, replaces what is none, and escapes what a terminal or a parser would act on",
    arguments: [
      (Array("é€😀 a/b".utf8), "é€😀 a/b"), ([0x61, 0x80, 0x62], "a\u{FFFD}b"),
      ([0xC0, 0xAF], "\u{FFFD}\u{FFFD}"),
      ([0xE2, 0x82], "\u{FFFD}\u{FFFD}"), ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
      ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"), ([0xC2, 0x9B, 0x41], "\u{9B}A"),
      ([0x61, 0x09, 0x62], "a\tb"),
      (Array(#"a"b\c"#.utf8), #"a"b\c"#), ([0xF0, 0x9F, 0x98], "\u{FFFD}\u{FFFD}\u{FFFD}"),
    ] as [([UInt8], String)])
  func strings(_ value: [UInt8], _ expected: String) throws {
    let head = Array("GET / HTTP/1.1\r\nHost: h\r\nReferer: ".utf8)
    let bytes = try line(AccessRecord(), of: head + value + Array("\r\n\r\n".utf8))
    #expect(!bytes.contains { $0 < 0x20 && $0 != 0x0A })
    #expect(!text(bytes).unicodeScalars.contains { $0.value == 0x9B })
    let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
    #expect(object?["referer"] as? String == expected)
  }

  @Test("is valid JSON for Python too, whatever bytes a client sends")
  func hostile() throws {
    var state: UInt64 = 42
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let seeds = [
      Array("GET /\u{22}\\ HTTP/1.1\r\nHost: h\r\nReferer: é€😀\u{9B}\r\nUser-Agent: a\tb\r\n\r\n".utf8),
      Array("PURGE http://n/a HTTP/1.0\r\nUser-Agent: \u{22},\u{22}x\u{22}:\u{22}\r\n\r\n".utf8),
    ]
    let peer = try peerNamed("unix")
    var count = 0
    let lines = try written { log in
      for _ in 0..<20_000 {
        var message = seeds[random(2)]
        for _ in 0..<1 + random(4) { message[random(message.count)] = UInt8(random(256)) }
        let logged: Void? = try? withRequest(message) { head, fields, bytes in
          var record = AccessRecord()
          record.notes = Notes(rawValue: UInt32(random(1 << 15)))
          log.write(
            LoggedRequest(
              record: record, head: head, fields: LoggedFields(fields), sender: Sender(peer: peer),
              tookUs: UInt64(random(1 << 30))),
            bytes: bytes, nowMs: now)
        }
        if logged != nil { count += 1 }
      }
    }
    #expect(count > 1_000)
    let path = "\(folder.path)/hostile"
    try Data(lines).write(to: URL(fileURLWithPath: path))
    let python = Process()
    python.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    python.arguments = [
      "-c",
      """
      import json, sys
      names = None
      count = 0
      with open(sys.argv[1], "rb") as file:
          for line in file:
              entry = json.loads(line.decode("utf-8"))
              names = names or list(entry)
              assert list(entry) == names, line
              assert entry["client"] == "unix:" and type(entry["seconds"]) is float, line
              count += 1
      assert count == int(sys.argv[2]), count
      """, path, "\(count)",
    ]
    try python.run()
    python.waitUntilExit()
    #expect(python.terminationStatus == 0)
  }
}
