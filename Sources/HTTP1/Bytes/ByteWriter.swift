/// A growable buffer of bytes, kept and reused by its owner: message heads are written here.
///
/// It grows by doubling and never shrinks, so that a reused one soon allocates no more. Appending takes time
/// linear in what is appended.
@safe
public struct ByteWriter: ~Copyable {
  /// Owned by this value; replaced when it grows, given back in `deinit`. The first `count` bytes are
  /// initialized.
  private var storage: UnsafeMutableRawBufferPointer
  /// Bytes written.
  public private(set) var count = 0

  /// Allocates room for `capacity` bytes.
  public init(capacity: Int) {
    unsafe storage = .allocate(byteCount: max(16, capacity), alignment: 16)
  }

  deinit {
    unsafe storage.deallocate()
  }

  public var isEmpty: Bool { count == 0 }

  /// Bytes that fit before it grows.
  public var capacity: Int { unsafe storage.count }

  /// Forgets all bytes and keeps the room.
  public mutating func removeAll() {
    count = 0
  }

  /// Forgets the bytes after the first `newCount`; does nothing when there are no more than that.
  public mutating func truncate(to newCount: Int) {
    count = min(count, max(0, newCount))
  }

  public mutating func append(_ byte: UInt8) {
    reserve(1)
    unsafe storage[count] = byte
    count += 1
  }

  public mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { unsafe append(UnsafeRawBufferPointer($0)) }
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

  public mutating func append(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe append($0) }
  }

  /// Appends the part of `bytes` that `range` names, which must lie within it.
  public mutating func append(_ bytes: RawSpan, _ range: ByteRange) {
    append(bytes.extracting(range.lower..<max(range.lower, range.upper)))
  }

  /// Appends `bytes`, which must not be this writer's own.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    reserve(bytes.count)
    let target = unsafe storage.baseAddress.unsafelyUnwrapped + count
    unsafe target.copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  /// Appends a number in decimal digits.
  public mutating func append(decimal number: UInt64) {
    append(number, radix: 10)
  }

  /// Appends a number in lower-case hexadecimal digits, without zeros before them: a chunk size.
  public mutating func append(hexadecimal number: UInt64) {
    append(number, radix: 16)
  }

  /// Lends the bytes written. They must not be used after `body` has returned.
  public func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(UnsafeRawBufferPointer(rebasing: storage[..<count]).bytes)
  }

  /// Lends the bytes written, for a system call. They must not be used after `body` has returned.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(UnsafeRawBufferPointer(rebasing: storage[..<count]))
  }

  private mutating func append(_ number: UInt64, radix: UInt64) {
    var digits = 1
    var rest = number / radix
    while rest > 0 {
      digits += 1
      rest /= radix
    }
    reserve(digits)
    rest = number
    for offset in stride(from: count + digits - 1, through: count, by: -1) {
      let digit = UInt8(truncatingIfNeeded: rest % radix)
      unsafe storage[offset] = digit < 10 ? 0x30 + digit : 0x61 + digit - 10
      rest /= radix
    }
    count += digits
  }

  @inline(__always)
  private mutating func reserve(_ more: Int) {
    if more > capacity - count { grow(count + more) }
  }

  @inline(never)
  private mutating func grow(_ needed: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(needed, capacity * 2), alignment: 16)
    unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<count]))
    unsafe storage.deallocate()
    unsafe storage = larger
  }
}
