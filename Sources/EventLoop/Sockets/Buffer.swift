import Glibc

/// Bytes on their way through a connection: a block borrowed from a ``BufferPool`` while there are any.
///
///     | headroom | … handed on … | readable | room |
///     0          32            start       end   capacity
///
/// The headroom lets a prefix be written before bytes that have already been received. The block goes back
/// to its pool when it is empty, so an idle connection holds none.
@safe public struct Buffer: ~Copyable {
  /// Bytes kept free before the first received one.
  public static let headroomBytes = 32

  /// Owned while not nil; given back by ``giveBack()`` and `deinit`.
  private var block: UnsafeMutableRawPointer?
  /// The pool outlives every buffer of its loop.
  private let pool: BlockStack
  /// Offset of the first byte not yet handed on.
  public private(set) var start = headroomBytes
  /// Offset behind the last byte received.
  public private(set) var end = headroomBytes

  public init(pool: BufferPool) {
    self.init(stack: pool.stack)
  }

  private init(stack: BlockStack) {
    pool = stack
  }

  deinit {
    if let block = unsafe block { unsafe pool.put(block) }
  }

  public var count: Int { end - start }
  public var isEmpty: Bool { start == end }
  public var holdsBlock: Bool { unsafe block != nil }
  /// Bytes that can be received behind the present ones; a full block's worth when there is no block yet.
  public var room: Int { pool.blockBytes - end }

  /// The bytes between start and end. Valid until the buffer is next changed.
  @unsafe public var readable: UnsafeMutableRawBufferPointer {
    guard let block = unsafe block else { return unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0) }
    return unsafe UnsafeMutableRawBufferPointer(start: block + start, count: end - start)
  }

  /// The free bytes behind the present ones, borrowing a block when there is none; nil without memory.
  @unsafe mutating func borrowRoom() -> UnsafeMutableRawBufferPointer? {
    if unsafe block == nil { unsafe block = unsafe pool.take() }
    guard let block = unsafe block else { return nil }
    return unsafe UnsafeMutableRawBufferPointer(start: block + end, count: pool.blockBytes - end)
  }

  /// Counts `bytes` more as received.
  mutating func filled(_ bytes: Int) {
    precondition(bytes >= 0 && bytes <= room, "a buffer holds no more than its block")
    end += bytes
  }

  /// Hands `bytes` on from the front.
  public mutating func consume(_ bytes: Int) {
    precondition(bytes >= 0 && bytes <= count, "only what is there can be consumed")
    start += bytes
  }

  /// Cuts the bytes from `offset` (counted from ``start``) to `offset + bytes` out.
  public mutating func remove(at offset: Int, _ bytes: Int) {
    precondition(offset >= 0 && bytes >= 0 && offset + bytes <= count, "only what is there can be removed")
    guard bytes > 0, let block = unsafe block else { return }
    let tail = count - offset - bytes
    unsafe memmove(block + start + offset, block + start + offset + bytes, tail)
    end -= bytes
  }

  /// Copies `bytes` behind the present ones; false when they do not fit.
  public mutating func append(_ bytes: RawSpan) -> Bool {
    guard bytes.byteCount <= room, let target = unsafe borrowRoom() else { return false }
    unsafe bytes.withUnsafeBytes { source in
      if let from = source.baseAddress {
        unsafe target.baseAddress?.copyMemory(from: from, byteCount: source.count)
      }
    }
    end += bytes.byteCount
    return true
  }

  /// Writes `prefix` directly before the readable bytes, into what has been consumed or the headroom; false
  /// when it does not fit there.
  public mutating func prepend(_ prefix: RawSpan) -> Bool {
    guard prefix.byteCount <= start, let block = unsafe block else { return false }
    start -= prefix.byteCount
    unsafe prefix.withUnsafeBytes { source in
      if let from = source.baseAddress {
        unsafe (block + start).copyMemory(from: from, byteCount: source.count)
      }
    }
    return true
  }

  /// Moves the readable bytes to the front of the block so that the room behind them is as large as can be.
  public mutating func compact() {
    guard start > Self.headroomBytes else { return }
    if let block = unsafe block { unsafe memmove(block + Self.headroomBytes, block + start, count) }
    end = Self.headroomBytes + count
    start = Self.headroomBytes
  }

  /// Forgets all bytes and gives the block back.
  public mutating func giveBack() {
    if let block = unsafe block { unsafe pool.put(block) }
    unsafe block = nil
    start = Self.headroomBytes
    end = Self.headroomBytes
  }

  /// Gives the block back when nothing is left in it.
  public mutating func giveBackIfEmpty() {
    if start == end { giveBack() }
  }

  /// Gives its block away with the `bytes` from `offset` (counted from ``start``) in it, and goes on in another block with a
  /// copy of what is before and behind them; nil without memory, and nothing has changed then.
  public mutating func giveAway(at offset: Int, _ bytes: Int) -> Buffer? {
    precondition(offset >= 0 && bytes >= 0 && offset + bytes <= count, "only what is there can be given away")
    guard let block = unsafe block, let fresh = unsafe pool.take() else { return nil }
    let tail = count - offset - bytes
    unsafe (fresh + Self.headroomBytes).copyMemory(from: block + start, byteCount: offset)
    unsafe (fresh + Self.headroomBytes + offset).copyMemory(
      from: block + start + offset + bytes, byteCount: tail)
    var given = Buffer(stack: pool)
    unsafe given.block = unsafe block
    given.start = start + offset
    given.end = given.start + bytes
    unsafe self.block = unsafe fresh
    start = Self.headroomBytes
    end = Self.headroomBytes + offset + tail
    return given
  }

  /// An empty one of the same pool.
  public func another() -> Buffer { Buffer(stack: pool) }

  /// Takes over what `other` holds; `other` is empty afterwards and this buffer's own bytes are gone.
  public mutating func takeOver(_ other: inout Buffer) {
    if let block = unsafe block { unsafe pool.put(block) }
    unsafe block = unsafe other.block
    start = other.start
    end = other.end
    unsafe other.block = nil
    other.start = Self.headroomBytes
    other.end = Self.headroomBytes
  }
}

/// Blocks of one size for the buffers of one loop. Used on that loop's thread only.
@safe public final class BufferPool {
  /// Owned, freed in `deinit`.
  let stack: BlockStack

  /// - Parameters:
  ///   - blockBytes: the size of each block; at least 4 KiB.
  ///   - keptBlocks: how many unused blocks are kept for the next connection; the rest goes to the system.
  public init(blockBytes: Int, keptBlocks: Int) {
    precondition(blockBytes >= 4096, "a block holds at least a page")
    stack = BlockStack(blockBytes: blockBytes, keptBlocks: keptBlocks)
  }

  deinit { stack.free() }

  /// Bytes of a block, the headroom included.
  public var blockBytes: Int { stack.blockBytes }
}

/// The unused blocks of a pool; the one given back last, which is still in the caches, is taken first.
///
///     top → | next | … | → | next | … | → nil        the first word of each block leads to the one below
///
/// It leads to memory of its own: all copies are the same stack, which buffers reach without counting references.
@safe struct BlockStack {
  @safe private struct Contents {
    let blockBytes: Int
    let keptBlocks: Int
    var top: UnsafeMutableRawPointer?
    var count = 0
  }

  private let contents: UnsafeMutablePointer<Contents>

  init(blockBytes: Int, keptBlocks: Int) {
    unsafe contents = .allocate(capacity: 1)
    unsafe contents.initialize(to: Contents(blockBytes: blockBytes, keptBlocks: keptBlocks))
  }

  var blockBytes: Int { unsafe contents.pointee.blockBytes }

  /// A block, whose bytes are anything; nil without memory.
  func take() -> UnsafeMutableRawPointer? {
    guard let block = unsafe contents.pointee.top else { return unsafe malloc(blockBytes) }
    unsafe contents.pointee.top = unsafe block.load(as: UnsafeMutableRawPointer?.self)
    unsafe contents.pointee.count -= 1
    return unsafe block
  }

  func put(_ block: UnsafeMutableRawPointer) {
    guard unsafe contents.pointee.count < contents.pointee.keptBlocks else {
      return unsafe Glibc.free(block)
    }
    unsafe block.storeBytes(of: contents.pointee.top, as: UnsafeMutableRawPointer?.self)
    unsafe contents.pointee.top = unsafe block
    unsafe contents.pointee.count += 1
  }

  /// Frees the blocks and the stack itself, which no buffer may use from then on.
  func free() {
    while let block = unsafe contents.pointee.top {
      unsafe contents.pointee.top = unsafe block.load(as: UnsafeMutableRawPointer?.self)
      unsafe Glibc.free(block)
    }
    unsafe contents.deallocate()
  }
}
