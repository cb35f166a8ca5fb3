import Testing

@testable import HTTP1

/// SplitMix64: the same numbers in each run.
private struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Changes bytes of a seed at random places: what no one thought of when the tables were written.
struct MutationTests {
  private static let telling = Array("\r\n\t :;,0159afAZ?#/*%\u{0}\u{7F}é[]@-".utf8)
  private static let pieces = [
    "\r\n", "\r\n\r\n", "Host: h\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
    "Connection: close, x\r\n",
    "0\r\n\r\n", "5;x=\"y\"\r\nabcde\r\n", "HTTP/1.1", "http://h:80", " ", "\r\n\t", "7fffffffffffffff",
    "chunked",
  ].map { Array($0.utf8) }

  private func mutate(_ seed: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = seed
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let place = Int.random(in: 0...bytes.count, using: &generator)
      switch Int.random(in: 0..<6, using: &generator) {
      case 0 where place < bytes.count: bytes[place] = Self.telling.randomElement(using: &generator) ?? 0
      case 1 where place < bytes.count: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
      case 2 where place < bytes.count: bytes.remove(at: place)
      case 3: bytes.insert(Self.telling.randomElement(using: &generator) ?? 0, at: place)
      case 4: bytes.insert(contentsOf: Self.pieces.randomElement(using: &generator) ?? [], at: place)
      default: bytes.removeSubrange(place...)
      }
    }
    return bytes
  }

  private func isWithin(_ range: ByteRange, _ outer: Int) -> Bool {
    range.lower <= range.upper && range.upper <= outer
  }

  /// Lines follow each other without a gap and hold their name and value.
  private func areSound(_ table: borrowing FieldTable, headBytes: Int) -> Bool {
    var end: Int?
    for index in 0..<table.count {
      let field = table[index]
      guard end == nil || field.line.lower == end, field.name.lower == field.line.lower, !field.name.isEmpty,
        field.name.upper < field.value.lower + 1, isWithin(field.value, field.line.upper - 2)
      else { return false }
      end = field.line.upper
    }
    return end == nil || end == headBytes - 2
  }

  @Test("no changed request head traps, leads outside its bytes, or is read otherwise when more follows")
  func requests() {
    let seeds = [
      get("User-Agent: x", "Accept: */*", "Connection: keep-alive"),
      "POST /a?b HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nabcde",
      "PUT http://h:80/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n0\r\n\r\n",
      "OPTIONS * HTTP/1.0\r\nConnection: upgrade, x-a\r\nUpgrade: websocket\r\nX-A: b\r\n\r\n",
    ].map { Array($0.utf8) }
    var generator = SeededGenerator(state: 9112)
    var table = FieldTable(capacity: 16)
    let limits = HeadLimits(maxBytes: 200, maxFields: 12)
    var heads = 0
    for round in 0..<70_000 {
      let bytes = mutate(seeds[round % seeds.count], &generator)
      let cut = Int.random(in: 0...bytes.count, using: &generator)
      let early = RequestHead.parse(bytes.span.bytes.extracting(..<cut), limits: limits, fields: &table)
      let whole = RequestHead.parse(bytes.span.bytes, limits: limits, fields: &table)
      switch whole {
      case .head(let head):
        heads += 1
        let ranges = [head.methodName, head.target, head.pathAndQuery, head.path, head.authority]
        guard head.byteCount <= min(bytes.count, limits.maxBytes),
          ranges.allSatisfy({ isWithin($0, head.byteCount) }), head.framing != .untilClose,
          areSound(table, headBytes: head.byteCount)
        else {
          Issue.record("round \(round): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
          return
        }
      case .incomplete, .malformed: break
      }
      guard agrees(early, whole, cut: cut) else {
        Issue.record(
          "round \(round), cut at \(cut): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
        return
      }
    }
    #expect(heads > 1000, "The changes leave too few right heads to say anything.")
  }

  /// What a piece came to stands, unless it was incomplete.
  private func agrees(_ early: HeadParse<RequestHead>, _ whole: HeadParse<RequestHead>, cut: Int) -> Bool {
    switch (early, whole) {
    case (.incomplete, .head(let head)): cut < head.byteCount
    case (.incomplete, _): true
    case (.head(let first), .head(let second)): first.byteCount == second.byteCount && cut >= first.byteCount
    case (.malformed(let first), .malformed(let second)): first == second
    default: false
    }
  }

  @Test("no changed answer head traps or leads outside its bytes")
  func responses() {
    let seeds = [
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\nConnection: keep-alive\r\n\r\nabcde",
      "HTTP/1.1 302 Found\r\nLocation: http://h/a?b#c\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.0 204\r\nConnection: close, server\r\nServer: y\r\n\r\n",
    ].map { Array($0.utf8) }
    var generator = SeededGenerator(state: 9110)
    var table = FieldTable(capacity: 16)
    var heads = 0
    for round in 0..<40_000 {
      let bytes = mutate(seeds[round % seeds.count], &generator)
      let span = bytes.span.bytes
      guard
        case .head(let head) = ResponseHead.parse(span, toHead: round % 5 == 0, limits: roomy, fields: &table)
      else { continue }
      heads += 1
      let location = head.location ?? .empty
      guard head.byteCount <= bytes.count, isWithin(head.reason, head.byteCount),
        isWithin(location, head.byteCount),
        100...599 ~= head.status, areSound(table, headBytes: head.byteCount)
      else {
        Issue.record("round \(round): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
        return
      }
      let target = URIReference.split(span.extracting(location.lower..<location.upper))
      guard isWithin(target.pathAndQuery, location.count) else {
        Issue.record("round \(round): \(location.text(in: span).debugDescription)")
        return
      }
    }
    #expect(heads > 1000, "The changes leave too few right heads to say anything.")
  }

  @Test("no changed chunked body traps, and in pieces it is what it is whole")
  func bodies() {
    let seeds = [
      "5\r\nabcde\r\n0\r\n\r\n", "1;x=\"y\"\r\na\r\n10\r\n0123456789abcdef\r\n0\r\nA: b\r\n\r\nGET",
      "0\r\n\r\n",
    ].map { Array($0.utf8) }
    var generator = SeededGenerator(state: 7230)
    var finished = 0
    for round in 0..<40_000 {
      let bytes = mutate(seeds[round % seeds.count], &generator)
      let output = round % 2 == 0 ? BodyScanner.Output.verbatim : .payload
      let whole = scan(.chunked, output, bytes)
      if whole.state == .finished { finished += 1 }
      let first = Int.random(in: 0...bytes.count, using: &generator)
      let second = Int.random(in: first...bytes.count, using: &generator)
      let pieces = scan(.chunked, output, pieces: [bytes[..<first], bytes[first..<second], bytes[second...]])
      guard pieces == whole else {
        Issue.record(
          "round \(round), cut at \(first) and \(second): \(String(decoding: bytes, as: UTF8.self).debugDescription)"
        )
        return
      }
      if output == .verbatim, whole.state == .finished {
        // What went on is itself a chunked body of which nothing needs to be cut.
        let again = scan(.chunked, .verbatim, whole.forwarded)
        guard again.forwarded == whole.forwarded, again.state == .finished, again.rest.isEmpty else {
          Issue.record("round \(round): \(whole.text.debugDescription)")
          return
        }
      }
    }
    #expect(finished > 1000, "The changes leave too few right bodies to say anything.")
  }
}
