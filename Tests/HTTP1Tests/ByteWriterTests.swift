import Testing

@testable import HTTP1

struct ByteWriterTests {
  private func text(_ writer: borrowing ByteWriter) -> String {
    writer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  @Test("bytes, literals, strings, spans and ranges are written one after the other")
  func appends() {
    var writer = ByteWriter(capacity: 0)
    let name = "Ünïcode"
    let source = Array("0123456789".utf8)
    writer.append(UInt8(ascii: "a"))
    writer.append("literal ")
    writer.append(name)
    writer.append(name.utf8)
    writer.append(source.span.bytes)
    writer.append(source.span.bytes, ByteRange(lower: 2, upper: 4))
    writer.append(source.span.bytes, .empty)
    writer.append("")
    #expect(text(writer) == "aliteral ÜnïcodeÜnïcode012345678923")
    let count = writer.count
    #expect(count == text(writer).utf8.count)
  }

  @Test(
    "numbers are written without zeros before them",
    arguments: [
      (UInt64(0), "0", "0"), (9, "9", "9"), (10, "10", "a"), (255, "255", "ff"), (4096, "4096", "1000"),
      (.max, "18446744073709551615", "ffffffffffffffff"),
    ])
  func appendsNumbers(_ number: UInt64, _ decimal: String, _ hexadecimal: String) {
    var writer = ByteWriter(capacity: 1)
    writer.append(decimal: number)
    #expect(text(writer) == decimal)
    writer.removeAll()
    writer.append(hexadecimal: number)
    #expect(text(writer) == hexadecimal)
  }

  @Test("it grows with what is written, keeps its bytes and its room")
  func grows() {
    var writer = ByteWriter(capacity: 16)
    for index in 0..<1000 { writer.append(UInt8(truncatingIfNeeded: index)) }
    let isRight = writer.withBytes { bytes in
      (0..<1000).allSatisfy { bytes.byte(at: $0) == UInt8(truncatingIfNeeded: $0) }
    }
    #expect(isRight)
    let capacity = writer.capacity
    var counts: [Int] = []
    writer.truncate(to: 3)
    counts.append(writer.count)
    writer.truncate(to: 5)
    counts.append(writer.count)
    writer.removeAll()
    counts.append(writer.count)
    #expect(counts == [3, 3, 0])
    let (isEmpty, room, lent) = (writer.isEmpty, writer.capacity, writer.withBytes { $0.byteCount })
    #expect(isEmpty)
    #expect(room == capacity)
    #expect(lent == 0)
  }
}
