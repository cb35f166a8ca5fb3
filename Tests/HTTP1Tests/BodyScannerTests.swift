import Testing

@testable import HTTP1

/// What came out of a scanner that was fed in pieces, and how it ended.
struct Scanned: Equatable {
  var forwarded: [UInt8] = []
  /// Bytes behind the end of the body, or from the wrong one on.
  var rest: [UInt8] = []
  var state = BodyScanner.State.more

  var text: String { String(decoding: forwarded, as: UTF8.self) }
}

/// Feeds a scanner as its owner does: what is not consumed stays at the front of the buffer.
func scan(
  _ framing: BodyFraming, _ output: BodyScanner.Output = .verbatim, pieces: [ArraySlice<UInt8>]
) -> Scanned {
  var scanner = BodyScanner(framing, output: output)
  var result = Scanned()
  for piece in pieces {
    result.rest += piece
    let added = result.rest
    let progress = result.rest.withUnsafeMutableBytes { scanner.scan($0) }
    if progress.forward > progress.consumed || progress.consumed > added.count || progress.forward < 0 {
      Issue.record("forward \(progress.forward), consumed \(progress.consumed) of \(added.count)")
      return result
    }
    result.forwarded += result.rest[..<progress.forward]
    if result.rest[progress.consumed...] != added[progress.consumed...] {
      Issue.record("Bytes past those consumed were changed.")
    }
    result.rest.removeFirst(progress.consumed)
    result.state = progress.state
  }
  return result
}

func scan(_ framing: BodyFraming, _ output: BodyScanner.Output = .verbatim, _ bytes: [UInt8]) -> Scanned {
  scan(framing, output, pieces: [bytes[...]])
}

func scanByteByByte(_ framing: BodyFraming, _ output: BodyScanner.Output, _ bytes: [UInt8]) -> Scanned {
  scan(framing, output, pieces: bytes.indices.map { bytes[$0...$0] })
}

struct BodyScannerTests {
  struct Chunked: Sendable, CustomTestStringConvertible {
    let sent: String
    let verbatim: String
    let payload: String
    var rest = ""
    var testDescription: String { sent.debugDescription }
  }

  static let right = [
    Chunked(sent: "0\r\n\r\n", verbatim: "0\r\n\r\n", payload: ""),
    Chunked(sent: "3\r\nabc\r\n0\r\n\r\n", verbatim: "3\r\nabc\r\n0\r\n\r\n", payload: "abc"),
    Chunked(sent: "3\r\n\r\n0\r\n0\r\n\r\n", verbatim: "3\r\n\r\n0\r\n0\r\n\r\n", payload: "\r\n0"),
    Chunked(
      sent: "1\r\na\r\nA\r\n0123456789\r\n00b\r\n0123456789x\r\n000\r\n\r\n",
      verbatim: "1\r\na\r\nA\r\n0123456789\r\n00b\r\n0123456789x\r\n000\r\n\r\n",
      payload: "a01234567890123456789x"),
    Chunked(
      sent: "0000000000000001\r\na\r\n0\r\n\r\n", verbatim: "0000000000000001\r\na\r\n0\r\n\r\n", payload: "a"
    ),
    Chunked(sent: "1;x\r\na\r\n0;y=z\r\n\r\n", verbatim: "1\r\na\r\n0\r\n\r\n", payload: "a"),
    Chunked(
      sent: "1 \t; a=\"b;\t\\\"é\" ;c\r\na\r\n2;\r\nbc\r\n0\r\n\r\n",
      verbatim: "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
      payload: "abc"),
    Chunked(sent: "0\r\nA: b\r\nC:\r\n\r\n", verbatim: "0\r\n\r\n", payload: ""),
    Chunked(
      sent: "1;e\r\na\r\n0\r\nContent-Length: 5\r\nA: b\tc \r\n\r\n", verbatim: "1\r\na\r\n0\r\n\r\n",
      payload: "a"),
    Chunked(
      sent: "1\r\na\r\n0\r\n\r\nHTTP/1.1 200", verbatim: "1\r\na\r\n0\r\n\r\n", payload: "a",
      rest: "HTTP/1.1 200"),
  ]

  @Test(
    "chunks go on as sent without extensions and trailers, or their data alone, however cut", arguments: right
  )
  func passes(_ body: Chunked) {
    let bytes = Array(body.sent.utf8)
    for (output, expected) in [(BodyScanner.Output.verbatim, body.verbatim), (.payload, body.payload)] {
      let whole = scan(.chunked, output, bytes)
      #expect(whole.text == expected)
      #expect(whole.state == .finished)
      #expect(whole.rest == Array(body.rest.utf8))
      for cut in 0...bytes.count {
        #expect(scan(.chunked, output, pieces: [bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)")
      }
      #expect(scanByteByByte(.chunked, output, bytes) == whole)
    }
  }

  static let wrong = [
    Wrong("\r\n", .invalidChunkSize), Wrong("g\r\n", .invalidChunkSize), Wrong(" 1\r\n", .invalidChunkSize),
    Wrong("-1\r\n", .invalidChunkSize), Wrong("+1\r\n", .invalidChunkSize),
    Wrong("0x1\r\n", .invalidChunkSize),
    Wrong("1 \r\na\r\n", .invalidChunkSize), Wrong("1 2\r\n", .invalidChunkSize),
    Wrong(";x\r\n", .invalidChunkSize),
    Wrong("1,\r\n", .invalidChunkSize), Wrong("1\u{0}\r\n", .invalidChunkSize),
    Wrong("1_\r\n", .invalidChunkSize),
    Wrong("00000000000000001\r\n", .invalidChunkSize),
    Wrong("8000000000000000\r\n", .chunkTooLarge), Wrong("ffffffffffffffff\r\n", .chunkTooLarge),
    Wrong("1\n", .bareLineFeed), Wrong("1;x\n", .bareLineFeed), Wrong("1 \n", .bareLineFeed),
    Wrong("1\ra\r\n", .bareCarriageReturn), Wrong("1\r\r\n", .bareCarriageReturn),
    Wrong("1;x\ry\r\n", .bareCarriageReturn),
    Wrong("1;\u{0}\r\n", .invalidChunkExtension), Wrong("1;a=\"\u{7F}\"\r\n", .invalidChunkExtension),
    Wrong("1;" + String(repeating: "x", count: 4096), .chunkLineTooLong),
    Wrong("1\r\nab\r\n", .missingChunkEnd), Wrong("1\r\na0\r\n", .missingChunkEnd),
    Wrong("1\r\na\n", .bareLineFeed), Wrong("1\r\na\r0", .bareCarriageReturn),
    Wrong("1\r\na\r\r", .bareCarriageReturn),
    Wrong("0\r\n\n", .bareLineFeed), Wrong("0\r\n\rx", .bareCarriageReturn),
    Wrong("0\r\n x\r\n\r\n", .lineFolding), Wrong("0\r\nA: b\r\n\tc\r\n\r\n", .lineFolding),
    Wrong("0\r\n: x\r\n\r\n", .emptyFieldName), Wrong("0\r\nA\r\n\r\n", .missingColon),
    Wrong("0\r\nA : b\r\n\r\n", .spaceBeforeColon), Wrong("0\r\nA@: b\r\n\r\n", .invalidFieldName),
    Wrong("0\r\nA: \u{1}\r\n\r\n", .invalidFieldValue), Wrong("0\r\nA: b\n\r\n", .bareLineFeed),
    Wrong("0\r\nA: b\rC: d\r\n\r\n", .bareCarriageReturn),
    Wrong("0\r\nGET / HTTP/1.1\r\n", .spaceBeforeColon),
    Wrong("0\r\nA: " + String(repeating: "x", count: 8190), .trailersTooLong),
  ]

  @Test("a wrong chunk is refused for one reason, and what was right before it has gone on", arguments: wrong)
  func refuses(_ wrong: Wrong) {
    let bytes = Array("2\r\nok\r\n".utf8) + wrong.bytes
    for output in [BodyScanner.Output.verbatim, .payload] {
      let whole = scan(.chunked, output, bytes)
      #expect(whole.state == .malformed(wrong.reason))
      #expect(whole.text.hasPrefix(output == .verbatim ? "2\r\nok\r\n" : "ok"))
      #expect(scanByteByByte(.chunked, output, bytes) == whole)
      if bytes.count < 100 {
        for cut in 0...bytes.count {
          #expect(scan(.chunked, output, pieces: [bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)")
        }
      }
    }
  }

  @Test("a chunk line of 4096 bytes and a trailer section of 8192 pass")
  func takesLongestLines() {
    let line = "1;" + String(repeating: "x", count: 4096 - 4) + "\r\n"
    let trailer = "A:" + String(repeating: "x", count: 8192 - 4) + "\r\n"
    let bytes = Array((line + "a\r\n0\r\n" + trailer + "\r\n").utf8)
    #expect(scan(.chunked, .verbatim, bytes).text == "1\r\na\r\n0\r\n\r\n")
    #expect(scanByteByByte(.chunked, .verbatim, bytes).state == .finished)
  }

  @Test("the largest chunk is as long as Content-Length may be")
  func takesLargestChunk() {
    let scanned = scan(.chunked, .payload, Array("7fffffffffffffff\r\nabc".utf8))
    #expect(scanned == Scanned(forwarded: Array("abc".utf8), rest: [], state: .more))
  }

  @Test("nothing goes on of a chunk line that is not complete")
  func holdsPartialLine() {
    let scanned = scan(.chunked, .verbatim, Array("1\r\na\r\n5;ext".utf8))
    #expect(scanned.text == "1\r\na\r\n")
    #expect(scanned.rest == Array("5;ext".utf8))
    #expect(scanned.state == .more)
  }

  @Test("a body with a length ends with its last byte and leaves what follows")
  func followsLength() {
    let bytes = Array("abcdef".utf8)
    let expected = Scanned(forwarded: Array("abcd".utf8), rest: Array("ef".utf8), state: .finished)
    #expect(scan(.length(4), .verbatim, bytes) == expected)
    #expect(scanByteByByte(.length(4), .payload, bytes) == expected)
    #expect(scan(.length(9), .verbatim, bytes).state == .more)
    #expect(scan(.length(.max), .verbatim, bytes).text == "abcdef")
  }

  @Test(
    "a body without content is finished before its first byte", arguments: [BodyFraming.none, .length(0)])
  func needsNothing(_ framing: BodyFraming) {
    let scanner = BodyScanner(framing)
    #expect(scanner.isFinished)
    #expect(scanner.remainingBytes == 0)
    #expect(scan(framing, .verbatim, Array("GET".utf8)) == Scanned(rest: Array("GET".utf8), state: .finished))
    #expect(scan(framing, .verbatim, []).state == .finished)
  }

  @Test("a body that ends with the connection never ends by itself")
  func followsUntilClose() {
    let bytes = Array("0\r\n\r\n".utf8)
    #expect(
      scanByteByByte(.untilClose, .verbatim, bytes) == Scanned(forwarded: bytes, rest: [], state: .more))
    #expect(BodyScanner(.untilClose).remainingBytes == nil)
  }

  @Test("the bytes still to come are known where a length was declared")
  func countsRemaining() {
    var scanner = BodyScanner(.length(5))
    #expect(scanner.remainingBytes == 5)
    var bytes = Array("abc".utf8)
    _ = bytes.withUnsafeMutableBytes { scanner.scan($0) }
    #expect(scanner.remainingBytes == 2)
    #expect(!scanner.isFinished)
    _ = bytes.withUnsafeMutableBytes { scanner.scan($0) }
    #expect(scanner.remainingBytes == 0)
    #expect(scanner.isFinished)
    #expect(BodyScanner(.chunked).remainingBytes == nil)
  }

  @Test("a malformed body stays malformed and takes nothing more")
  func staysMalformed() {
    var scanner = BodyScanner(.chunked)
    var bytes = Array("x".utf8)
    _ = bytes.withUnsafeMutableBytes { scanner.scan($0) }
    var more = Array("0\r\n\r\n".utf8)
    let progress = more.withUnsafeMutableBytes { scanner.scan($0) }
    #expect(progress == BodyScanner.Progress(consumed: 0, forward: 0, state: .malformed(.invalidChunkSize)))
  }

  @Test("an owner that hands back less of a line than was there does no harm")
  func survivesLostBytes() {
    var scanner = BodyScanner(.chunked)
    var line = Array("5;extension".utf8)
    _ = line.withUnsafeMutableBytes { scanner.scan($0) }
    var less = Array("5".utf8)
    let progress = less.withUnsafeMutableBytes { scanner.scan($0) }
    #expect(progress == BodyScanner.Progress(consumed: 0, forward: 0, state: .more))
    #expect(scanner.scan(UnsafeMutableRawBufferPointer(start: nil, count: 0)).consumed == 0)
  }
}
