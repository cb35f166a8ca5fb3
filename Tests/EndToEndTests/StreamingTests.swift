import Foundation
import Testing

/// Bodies pass as they come, and never pile up. Serialized: these measure memory and move gigabytes.
@Suite("Streaming and backpressure", .serialized)
struct StreamingTests {
  static let gigabyte = 1 << 30

  @Test("an upload's first bytes reach the origin before the last is sent", arguments: [true, false])
  func upload(isChunked: Bool) throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 10"
      try client.send("POST /upload HTTP/1.1\r\nHost: x\r\n\(framing)\r\n\r\n")
      _ = try site.new.request()
      try client.send(isChunked ? "5\r\nfirst\r\n" : "first")
      try site.new.waitForBody(5)
      #expect(try !site.new.request().isComplete)
      try client.send(isChunked ? "5\r\n last\r\n0\r\n\r\n" : " last")
      #expect(try client.answer().text == "new")
      #expect(try site.new.request().body.text == "first last")
    }
  }

  @Test("server-sent events pass at once, one by one", arguments: ["new", "old"])
  func events(way: String) throws {
    let gates = [Gate(), Gate(), Gate()]
    let origin = try ScriptedOrigin { exchange in
      try exchange.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
      for (number, gate) in gates.enumerated() {
        try exchange.send("data: \(number)\n\n".asChunk)
        try gate.wait()
      }
      try exchange.send("0\r\n\r\n")
    }
    let other = try ScriptedOrigin.pages([:])
    try withRelevo(new: [way == "new" ? origin : other], old: [way == "new" ? other : origin]) { relevo in
      let client = try Client(relevo.port)
      try client.request("/events")
      var reader = BodyReader(try Client.framing(client.head(), to: "GET"))
      for (number, gate) in gates.enumerated() {
        let event = try reader.next(client.stream, .after())
        #expect(event?.text == "data: \(number)\n\n")
        gate.open()
      }
      #expect(try reader.next(client.stream, .after()) == nil)
    }
  }

  @Test("an answer's head passes before its body has begun")
  func headFirst() throws {
    let gate = Gate()
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
      try gate.wait()
      try exchange.send("body")
    }
    try withSite(new: new, old: .always(200)) { site in
      let client = try site.client()
      try client.request("/page")
      #expect(try client.head().startLine == "HTTP/1.1 200 OK")
      gate.open()
      #expect(try client.stream.exactly(4).text == "body")
    }
  }

  @Test("an answer that begins before the upload has ended passes at once")
  func bothAtOnce() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nearly")
      try exchange.readBody()
      try exchange.send(" late")
    }
    try withSite(new: new, old: .always(200)) { site in
      let client = try site.client()
      try client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo")
      #expect(try client.head().startLine == "HTTP/1.1 200 OK")
      #expect(try client.stream.exactly(5).text == "early")
      try client.send("dy")
      #expect(try client.stream.exactly(5).text == " late")
      #expect(try site.new.request().body.text == "body")
    }
  }

  /// Sends this many bytes after a head that announces them.
  static func sender(_ count: Int, isChunked: Bool = false) throws -> ScriptedOrigin {
    let part = isChunked ? Bytes.pattern(256 << 10).asChunk : Bytes.pattern(256 << 10)
    return try ScriptedOrigin { exchange in
      let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(count)"
      try exchange.send("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n")
      for _ in 0..<(count / (256 << 10)) { try exchange.send(part, .after(60)) }
      if isChunked { try exchange.send("0\r\n\r\n") }
    }
  }

  @Test("a download of 1 GB passes through less than 64 MB", arguments: ["new", "old"])
  func download(way: String) throws {
    let origin = try Self.sender(Self.gigabyte)
    let other = try ScriptedOrigin.pages([:])
    try withRelevo(new: [way == "new" ? origin : other], old: [way == "new" ? other : origin]) { relevo in
      let client = try Client(relevo.port)
      try client.request("/large")
      #expect(try client.head()["Content-Length"] == "\(Self.gigabyte)")
      #expect(try client.stream.skip(Self.gigabyte, .after(60)) == Self.gigabyte)
      #expect(try relevo.process.peakMB < Memory.limitMB)
    }
  }

  @Test("a chunked download of 256 MB passes through less than 64 MB, byte for byte")
  func chunkedDownload() throws {
    let count = Self.gigabyte / 4
    let pattern = Bytes.pattern(256 << 10)
    try withSite(new: Self.sender(count, isChunked: true), old: .always(200)) { site in
      let client = try site.client()
      try client.request("/large")
      var reader = BodyReader(try Client.framing(client.head(), to: "GET"))
      var got = 0
      while let part = try reader.next(client.stream, .after(60)) {
        var offset = 0
        while offset < part.count {
          let start = (got + offset) % pattern.count
          let length = min(part.count - offset, pattern.count - start)
          let isSame = part.withUnsafeBytes { part in
            pattern.withUnsafeBytes {
              memcmp(part.baseAddress! + offset, $0.baseAddress! + start, length) == 0
            }
          }
          try #require(isSame, "byte \(got + offset) and after it")
          offset += length
        }
        got += part.count
      }
      #expect(got == count)
      #expect(try site.relevo.process.peakMB < Memory.limitMB)
    }
  }

  @Test("an upload of 1 GB passes through less than 64 MB, past the replay limit")
  func largeUpload() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.skipBody(.after(60))
      try exchange.answer(200, "new")
    }
    try withSite(new: new, old: .always(200), "--replay-limit", "16m") { site in
      let client = try site.client()
      try client.send("PUT /large HTTP/1.1\r\nHost: x\r\nContent-Length: \(Self.gigabyte)\r\n\r\n")
      let part = Bytes.pattern(256 << 10)
      for _ in 0..<(Self.gigabyte / part.count) { try client.send(part, .after(60)) }
      #expect(try client.answer(.after(30)).text == "new")
      #expect(try site.new.request().bodyCount == Self.gigabyte)
      #expect(try site.relevo.process.peakMB < Memory.limitMB)
    }
  }

  @Test("a client that does not read holds the origin back", arguments: ["new", "old"])
  func slowReader(way: String) throws {
    let size = 256 << 20
    let taken = Counter()
    let origin = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
      let part = Bytes.pattern(1 << 20)
      for _ in 0..<(size >> 20) {
        try exchange.send(part, .after(30))
        taken.add(part.count)
      }
    }
    let other = try ScriptedOrigin.pages([:])
    try withRelevo(new: [way == "new" ? origin : other], old: [way == "new" ? other : origin]) { relevo in
      let client = try Client(relevo.port, receiveBuffer: 64 << 10)
      try client.request("/large")
      #expect(try client.head()["Content-Length"] == "\(size)")
      usleep(500_000)
      let early = taken.value
      usleep(500_000)
      #expect(taken.value == early, "the origin is blocked")
      #expect(early < 32 << 20)
      #expect(try relevo.process.peakMB < Memory.limitMB)
      #expect(try client.stream.skip(size, .after(60)) == size)
    }
  }

  @Test("an origin that does not read holds the client back", arguments: ["new", "old"])
  func slowOrigin(way: String) throws {
    let size = 256 << 20
    let release = Gate()
    let origin = try ScriptedOrigin { exchange in
      guard exchange.method == "PUT" else { return try exchange.answer(200) }
      try release.wait(.after(20))
      try exchange.skipBody(.after(60))
      try exchange.answer(200, "read")
    }
    let other = try ScriptedOrigin.pages([:])
    try withRelevo(
      new: [way == "new" ? origin : other], old: [way == "new" ? other : origin], "--replay-limit", "1m"
    ) { relevo in
      if way == "old" { #expect(try Client(relevo.port).get("/large").status == 200) }
      let client = try Client(relevo.port)
      try client.send("PUT /large HTTP/1.1\r\nHost: x\r\nContent-Length: \(size)\r\n\r\n")
      let body = Bytes(repeating: 7, count: size)
      let early = try client.socket.sendUntilBlocked(body, pauseMs: 500)
      #expect(early < 32 << 20, "the client is blocked")
      #expect(try relevo.process.peakMB < Memory.limitMB)
      release.open()
      try body.withUnsafeBytes {
        try client.socket.send(UnsafeRawBufferPointer(rebasing: $0[early...]), .after(60))
      }
      #expect(try client.answer(.after(30)).text == "read")
    }
  }

  @Test("many large answers at once stay within 64 MB")
  func many() throws {
    let size = 16 << 20
    try withSite(new: Self.sender(size), old: .always(200)) { site in
      let clients = try (1...50).map { _ in try Client(site.relevo.port, receiveBuffer: 64 << 10) }
      for client in clients { try client.request("/large") }
      for client in clients { #expect(try client.head().startLine == "HTTP/1.1 200 OK") }
      usleep(300_000)
      #expect(try site.relevo.process.peakMB < Memory.limitMB)
      for client in clients { #expect(try client.stream.skip(size, .after(60)) == size) }
      #expect(try site.relevo.process.peakMB < Memory.limitMB)
    }
  }
}
