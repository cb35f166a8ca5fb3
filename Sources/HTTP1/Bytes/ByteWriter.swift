/// A growable buffer of bytes, kept and reused by its owner: message heads are written here.
///
/// It grows by doubling and never shrinks, so that a reused one soon allocates no more. Appending takes time
/// linear in what is appended.
@safe
public struct ByteWriter: ~Copyable {
  /// Owned by this value; replaced when it grows, given back in `deinit`. The first `count` bytes are
  /// initialized.
  @usableFromInline internal var storage: UnsafeMutableRawBufferPointer
  /// Bytes written.
  @inlinable public var count: Int { written }
  @usableFromInline internal var written = 0

  /// Allocates room for `capacity` bytes; for 0 nothing before the first byte.
  public init(capacity: Int) {
    unsafe storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    if capacity > 0 { grow(capacity) }
  }

  deinit {
    unsafe storage.deallocate()
  }

  public var isEmpty: Bool { count == 0 }

  /// Bytes that fit before it grows.
  @inlinable public var capacity: Int { unsafe storage.count }

  /// Forgets all bytes and keeps the room.
  @inlinable public mutating func removeAll() {
    written = 0
  }

  /// Forgets the bytes after the first `newCount`; does nothing when there are no more than that.
  public mutating func truncate(to newCount: Int) {
    written = min(count, max(0, newCount))
  }

  @inlinable @inline(__always) public mutating func append(_ byte: UInt8) {
    reserve(1)
    unsafe storage.baseAddress.unsafelyUnwrapped.storeBytes(of: byte, toByteOffset: written, as: UInt8.self)
    written &+= 1
  }

  /// Inlined, so that a literal is a few stores.
  @inlinable @inline(__always) public mutating func append(_ text: StaticString) {
    unsafe copy(from: text.utf8Start, text.utf8CodeUnitCount)
  }

  public mutating func append(_ utf8: String.UTF8View) {
    let isDone: Void? = unsafe utf8.withContiguousStorageIfAvailable {
      unsafe append(UnsafeRawBufferPointer($0))
    }
    if isDone == nil {
      for byte in utf8 { append(byte) }
    }
  }

  /// Text that is not a literal; literals go to the overload that knows their bytes.
  @_disfavoredOverload
  public mutating func append(_ text: String) {
    append(text.utf8)
  }

  @inlinable public mutating func append(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe append($0) }
  }

  /// Appends the part of `bytes` that `range` names, which must lie within it.
  @inlinable public mutating func append(_ bytes: RawSpan, _ range: ByteRange) {
    append(bytes.extracting(range.lower..<max(range.lower, range.upper)))
  }

  /// Appends `bytes`, which must not be this writer's own.
  @inlinable public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    unsafe copy(from: source, bytes.count)
  }

  @inlinable @inline(__always)
  internal mutating func copy(from source: UnsafeRawPointer, _ byteCount: Int) {
    if byteCount == 0 { return }
    reserve(byteCount)
    unsafe (storage.baseAddress.unsafelyUnwrapped + written).copyMemory(from: source, byteCount: byteCount)
    written &+= byteCount
  }

  /// Appends a number in decimal digits.
  public mutating func append(decimal number: UInt64) {
    append(number, radix: 10)
  }

  /// Appends the last `digits` decimal digits of a number, with zeros before it where it has fewer.
  public mutating func append(decimal number: UInt64, digits: Int) {
    reserve(digits)
    var rest = number
    var offset = written &+ digits
    while offset > written {
      offset &-= 1
      unsafe storage[offset] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    written += digits
  }

  /// Appends a number in lower-case hexadecimal digits, without zeros before them: a chunk size.
  public mutating func append(hexadecimal number: UInt64) {
    append(number, radix: 16)
  }

  /// Lends the bytes written. They must not be used after `body` has returned.
  @inlinable public func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(UnsafeRawBufferPointer(rebasing: storage[..<count]).bytes)
  }

  /// Lends the bytes written, for a system call. They must not be used after `body` has returned.
  @inlinable public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(UnsafeRawBufferPointer(rebasing: storage[..<count]))
  }

  /// Inlined where the radix is known: to divide by a number that is not takes the processor ten times as long.
  @inline(__always)
  private mutating func append(_ number: UInt64, radix: UInt64) {
    if number < 10 { return append(0x30 &+ UInt8(truncatingIfNeeded: number)) }
    var digits = 1
    var rest = number / radix
    while rest > 0 {
      digits &+= 1
      rest /= radix
    }
    reserve(digits)
    rest = number
    var offset = written &+ digits
    while offset > written {
      offset &-= 1
      let digit = UInt8(truncatingIfNeeded: rest % radix)
      unsafe storage[offset] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
      rest /= radix
    }
    written &+= digits
  }

  @inlinable @inline(__always)
  internal mutating func reserve(_ more: Int) {
    if more > capacity &- written { grow(written + more) }
  }

  @usableFromInline @inline(never)
  internal mutating func grow(_ needed: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(16, needed, capacity * 2), alignment: 16)
    unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<count]))
    unsafe storage.deallocate()
    unsafe storage = larger
  }
}
