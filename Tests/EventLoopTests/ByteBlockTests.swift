import EventLoop
import Testing

@Suite("Bytes that wait")
struct ByteBlockTests {
  @Test("what is appended is taken in its order, in pieces of any size, and dropped from the front")
  func order() {
    var block = ByteBlock()
    defer { block.free() }
    var expected: [UInt8] = []
    for length in [0, 1, 16_384, 3, 70_000] {
      let part = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ length) }
      #expect(part.withUnsafeBytes { block.append($0) })
      expected += part
    }
    #expect(block.count == expected.count && block.bytes.elementsEqual(expected))
    block.drop(5)
    var taken: [UInt8] = []
    while block.count > 0 {
      var room = [UInt8](repeating: 0, count: 999)
      let count = room.withUnsafeMutableBytes { block.take(into: $0.baseAddress!, atMost: $0.count) }
      taken += room[..<count]
    }
    #expect(taken == Array(expected.dropFirst(5)))
    block.drop(7)
    #expect(block.count == 0)
  }
}
