import Glibc
import Testing

@testable import EventLoop

@Suite("a buffer")
struct BufferTests {
  private let pool = BufferPool(blockBytes: 4096, keptBlocks: 2)

  @Test("holds no block and promises a full one's room before the first byte")
  func isEmptyAtFirst() {
    let buffer = Buffer(pool: pool)
    #expect(buffer.holdsBlock == false)
    #expect(buffer.isEmpty == true)
    #expect(buffer.copy == [])
    #expect(buffer.room == 4096 - Buffer.headroomBytes)
  }

  @Test("appends behind what it holds and hands on from the front")
  func appendsAndConsumes() {
    var buffer = Buffer(pool: pool)
    let fitted = [buffer.add([1, 2, 3]), buffer.add([4]), buffer.add([])]
    #expect(fitted == [true, true, true])
    #expect(buffer.copy == [1, 2, 3, 4])
    buffer.consume(3)
    #expect(buffer.copy == [4])
    #expect(buffer.start == Buffer.headroomBytes + 3)
    #expect(buffer.room == 4096 - Buffer.headroomBytes - 4)
  }

  @Test("takes what fits exactly, and of what does not fit takes nothing")
  func isBounded() {
    var buffer = Buffer(pool: pool)
    let all = [UInt8](repeating: 7, count: buffer.room)
    let tooMuch = buffer.add(all + [8])
    #expect(!tooMuch)
    #expect(buffer.isEmpty == true)
    let exact = buffer.add(all)
    let oneMore = buffer.add([8])
    #expect(exact)
    #expect(!oneMore)
    #expect(buffer.copy == all)
    #expect(buffer.room == 0)
  }

  @Test(
    "cuts bytes out and closes the gap",
    arguments: [
      (0, 2, [3, 4, 5]), (1, 3, [1, 5]), (3, 2, [1, 2, 3]), (0, 5, []), (2, 0, [1, 2, 3, 4, 5]),
      (5, 0, [1, 2, 3, 4, 5]),
    ] as [(Int, Int, [UInt8])])
  func removes(_ offset: Int, _ count: Int, _ left: [UInt8]) {
    var buffer = Buffer(pool: pool)
    _ = buffer.add([0, 1, 2, 3, 4, 5])
    buffer.consume(1)
    buffer.remove(at: offset, count)
    #expect(buffer.copy == left)
  }

  @Test("writes a prefix into the headroom and into what was consumed, never further")
  func prepends() {
    var buffer = Buffer(pool: pool)
    let withoutBlock = buffer.addBefore([9])
    _ = buffer.add([1, 2, 3])
    buffer.consume(2)
    let tooLong = buffer.addBefore([UInt8](repeating: 0, count: Buffer.headroomBytes + 3))
    #expect(!withoutBlock)
    #expect(!tooLong)
    #expect(buffer.copy == [3])
    let prefix = (0..<UInt8(Buffer.headroomBytes + 2)).map { $0 }
    let fitted = buffer.addBefore(prefix)
    #expect(fitted)
    #expect(buffer.copy == prefix + [3])
    #expect(buffer.start == 0)
  }

  @Test("moves its bytes to the front of the block, the headroom kept")
  func compacts() {
    var buffer = Buffer(pool: pool)
    _ = buffer.add((0...99).map { UInt8($0) })
    for (consumed, left) in [(1, 99), (89, 10), (10, 0)] {
      buffer.consume(consumed)
      buffer.compact()
      #expect(buffer.copy == (100 - left..<100).map { UInt8($0) })
      #expect(buffer.start == Buffer.headroomBytes)
      #expect(buffer.room == 4096 - Buffer.headroomBytes - left)
    }
  }

  @Test("leaves a prefix in the headroom where it is when it is compacted")
  func compactsBehindPrefix() {
    var buffer = Buffer(pool: pool)
    _ = buffer.add([1])
    _ = buffer.addBefore([0])
    buffer.compact()
    #expect(buffer.copy == [0, 1])
    #expect(buffer.start == Buffer.headroomBytes - 1)
  }

  @Test("gives its block back to its pool, and forgets its bytes")
  func givesBack() {
    var buffer = Buffer(pool: pool)
    _ = buffer.add([1, 2])
    let block = buffer.blockAddress
    buffer.giveBack()
    #expect(buffer.holdsBlock == false)
    #expect(buffer.copy == [])
    #expect(buffer.start == Buffer.headroomBytes)
    #expect(pool.take() == block)
    free(block)
  }

  @Test("keeps its block while a byte is left in it")
  func givesBackIfEmpty() {
    var buffer = Buffer(pool: pool)
    _ = buffer.add([1, 2])
    buffer.consume(1)
    buffer.giveBackIfEmpty()
    #expect(buffer.copy == [2])
    buffer.consume(1)
    buffer.giveBackIfEmpty()
    #expect(buffer.holdsBlock == false)
  }

  @Test("takes over another's bytes and block, its own block goes back")
  func takesOver() {
    var one = Buffer(pool: pool)
    var other = Buffer(pool: pool)
    _ = one.add([1])
    _ = other.add([2, 3, 4])
    other.consume(1)
    let (ownBlock, otherBlock) = (one.blockAddress, other.blockAddress)
    one.takeOver(&other)
    #expect(one.copy == [3, 4])
    #expect(one.blockAddress == otherBlock)
    #expect(other.holdsBlock == false)
    #expect(other.isEmpty == true)
    #expect(other.room == 4096 - Buffer.headroomBytes)
    #expect(pool.take() == ownBlock)
    free(ownBlock)
  }

  @Test("gives its block away with some of its bytes, and goes on with the others in another")
  func givesAway() {
    var buffer = Buffer(pool: pool)
    _ = buffer.add([9, 1, 2, 3, 4, 5, 6])
    buffer.consume(1)
    let block = buffer.blockAddress
    guard var given = buffer.giveAway(at: 2, 3) else {
      Issue.record("no memory")
      return
    }
    let (bytes, givenBlock) = (given.copy, given.blockAddress)
    #expect(bytes == [3, 4, 5])
    #expect(givenBlock == block, "nothing of it was copied")
    #expect(buffer.copy == [1, 2, 6])
    #expect(buffer.blockAddress != block)
    #expect(buffer.start == Buffer.headroomBytes)
    _ = buffer.add([7])
    #expect(buffer.copy == [1, 2, 6, 7])
    given.giveBack()
  }

  @Test("gives its block back when it goes")
  func givesBackAtTheEnd() {
    var block: UnsafeMutableRawPointer?
    do {
      var buffer = Buffer(pool: pool)
      _ = buffer.add([1])
      block = buffer.blockAddress
    }
    #expect(pool.take() == block)
    free(block)
  }

  @Test("is an array of bytes after any 20,000 changes")
  func followsItsModel() {
    var random = Numbers(seed: 11)
    var buffer = Buffer(pool: pool)
    var model: [UInt8] = []
    for step in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...300, using: &random)).map { UInt8(truncatingIfNeeded: $0 + step) }
      switch Int.random(in: 0..<6, using: &random) {
      case 0, 1:
        if buffer.add(bytes) { model += bytes }
      case 2:
        let count = Int.random(in: 0...model.count, using: &random)
        buffer.consume(count)
        model.removeFirst(count)
      case 3:
        let offset = Int.random(in: 0...model.count, using: &random)
        let count = Int.random(in: 0...model.count - offset, using: &random)
        buffer.remove(at: offset, count)
        model.removeSubrange(offset..<offset + count)
      case 4:
        let prefix = Array(bytes.prefix(40))
        if buffer.addBefore(prefix) { model = prefix + model }
      default:
        buffer.compact()
        buffer.giveBackIfEmpty()
      }
      let (copy, used) = (buffer.copy, buffer.start + buffer.count)
      guard copy == model, used + buffer.room == 4096 else {
        Issue.record("after step \(step): \(copy) instead of \(model)")
        return
      }
    }
  }
}

extension BufferPool {
  fileprivate func take() -> UnsafeMutableRawPointer? { stack.take() }
  fileprivate func put(_ block: UnsafeMutableRawPointer) { unsafe stack.put(block) }
}

@Suite("a pool of blocks")
struct BufferPoolTests {
  @Test("lends the block given back last, and keeps no more than it was told to")
  func keepsSome() {
    let pool = BufferPool(blockBytes: 4096, keptBlocks: 2)
    let blocks = (0..<3).compactMap { _ in pool.take() }
    #expect(Set(blocks).count == 3)
    pool.put(blocks[0])
    pool.put(blocks[1])
    pool.put(blocks[2])
    let lent = [pool.take(), pool.take()]
    #expect(lent == [blocks[1], blocks[0]])
    for block in lent { free(block) }
  }

  @Test("lends blocks that are writable to their last byte")
  func lendsWholeBlocks() throws {
    let pool = BufferPool(blockBytes: 8192, keptBlocks: 0)
    let block = try #require(pool.take())
    memset(block, 0xA5, 8192)
    #expect(block.load(fromByteOffset: 8191, as: UInt8.self) == 0xA5)
    pool.put(block)
  }
}

/// Pseudo-random numbers that are the same in each run (xorshift64).
struct Numbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
