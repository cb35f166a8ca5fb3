import Foundation
import Testing

/// Long answers move inside the kernel; nothing of it may show.
@Suite("Long answers, spliced and copied")
struct SpliceTests {
  @Test(
    "come byte for byte, and both connections carry the next request",
    arguments: ["--splice", "--no-splice"], [65_535, 65_536, 100_000, 5_000_001])
  func exact(flag: String, count: Int) throws {
    let body = Bytes.pattern(count)
    let new = try ScriptedOrigin { exchange in
      try exchange.answer(200, exchange.target == "/long" ? body : Bytes(text: "short"))
    }
    try withSite(new: new, old: .always(200), flag) { site in
      let client = try site.client()
      for _ in 0..<3 {
        try client.request("/long")
        #expect(try client.answer(.after(20)).body == body)
        try client.request("/short")
        #expect(try client.answer().text == "short")
      }
      #expect(site.new.connections == 1)
    }
  }

  @Test("reach a client that reads slowly", arguments: ["--splice", "--no-splice"])
  func slowClient(flag: String) throws {
    let body = Bytes.pattern(8 << 20)
    let new = try ScriptedOrigin { exchange in try exchange.answer(200, body) }
    try withSite(new: new, old: .always(200), flag) { site in
      let client = try Client(site.relevo.port, receiveBuffer: 16 << 10)
      try client.request("/long")
      _ = try client.head()
      var got = Bytes()
      while got.count < body.count {
        got += try client.stream.exactly(min(700_001, body.count - got.count))
        usleep(5_000)
      }
      #expect(got == body)
      try client.request("/again")
      #expect(try client.answer(.after(20)).body == body)
    }
  }

  @Test("whose last byte comes after any number of moves end for every client")
  func ends() throws {
    // One turn of the loop moves so much at most; the end may come with the last move of a turn.
    let step = 64 << 10
    let new = try ScriptedOrigin { exchange in
      try exchange.answer(200, Bytes.pattern(Int(exchange.target.dropFirst()) ?? 0))
    }
    try withSite(new: new, old: .always(200)) { site in
      let client = try site.client()
      for count in stride(from: step, through: 80 * step, by: step) {
        try client.request("/\(count)")
        #expect(try client.answer(.after(20)).body.count == count)
      }
    }
  }

  @Test("a held 404 that is long comes whole when both sites miss", arguments: ["--splice", "--no-splice"])
  func held(flag: String) throws {
    let body = Bytes.pattern(1 << 20)
    let new = try ScriptedOrigin { exchange in try exchange.answer(404, body) }
    try withSite(new: new, old: .always(404, "old"), flag) { site in
      let client = try site.client()
      for path in ["/a", "/b"] {
        try client.request(path)
        let answer = try client.answer(.after(20))
        #expect(answer.status == 404)
        #expect(answer.body == body)
      }
    }
  }

  @Test("one that breaks off is cut short for the client as well", arguments: ["--splice", "--no-splice"])
  func breaksOff(flag: String) throws {
    let new = try ScriptedOrigin { exchange in
      guard exchange.target == "/cut" else { return try exchange.answer(200, "whole") }
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n")
      try exchange.send(Bytes.pattern(1_000_000), .after(20))
      exchange.close()
    }
    try withSite(new: new, old: .always(200), flag) { site in
      let client = try site.client()
      try client.request("/cut")
      _ = try client.head()
      #expect(throws: (any Error).self) { try client.stream.exactly(2_000_000) }
      #expect(try site.client().get("/page").text == "whole")
    }
  }

  @Test("bytes behind the end of one go to nobody", arguments: ["--splice", "--no-splice"])
  func excess(flag: String) throws {
    let body = Bytes.pattern(300_000)
    let new = try ScriptedOrigin { exchange in
      guard exchange.target == "/long" else { return try exchange.answer(200, "next") }
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n")
      try exchange.send(body + Bytes(text: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), .after(20))
    }
    try withSite(new: new, old: .always(200), flag) { site in
      let client = try site.client()
      try client.request("/long")
      #expect(try client.answer(.after(20)).body == body)
      try client.request("/next")
      #expect(try client.answer().text == "next")
      #expect(site.new.connections == 2, "that connection is not used again")
    }
  }

  @Test(
    "clients that leave in the middle leave nothing behind for the next",
    arguments: ["--splice", "--no-splice"])
  func leaves(flag: String) throws {
    let body = Bytes.pattern(4 << 20)
    let new = try ScriptedOrigin { exchange in try exchange.answer(200, body) }
    try withSite(new: new, old: .always(200), flag) { site in
      for _ in 0..<20 {
        let client = try Client(site.relevo.port, receiveBuffer: 16 << 10)
        try client.request("/long")
        _ = try client.head()
        _ = try client.stream.exactly(100_000)
        client.reset()
      }
      #expect(try site.client().get("/long").body == body)
    }
  }
}
