import Glibc

/// Bytes in memory that grows and is kept for the next ones. Its owner frees it.
@safe public struct ByteBlock {
  private var base: UnsafeMutableRawPointer?
  private var capacity = 0
  private var start = 0
  private var end = 0

  public init() {}

  public var count: Int { end - start }

  /// Valid until it is next changed.
  @unsafe public var bytes: UnsafeRawBufferPointer {
    guard let base = unsafe base else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    return unsafe UnsafeRawBufferPointer(start: base + start, count: count)
  }

  /// False without memory.
  public mutating func append(_ more: UnsafeRawBufferPointer) -> Bool {
    guard let source = more.baseAddress, more.count > 0 else { return true }
    if capacity - end < more.count {
      let (wanted, overflows) = end.addingReportingOverflow(more.count)
      guard !overflows, let grown = unsafe realloc(base, max(wanted, min(2 * capacity, wanted + (1 << 20))))
      else { return false }
      unsafe base = grown
      capacity = max(wanted, min(2 * capacity, wanted + (1 << 20)))
    }
    guard let base = unsafe base else { return false }
    unsafe (base + end).copyMemory(from: source, byteCount: more.count)
    end += more.count
    return true
  }

  /// Moves the first bytes into `room`; frees the memory with the last.
  public mutating func take(into room: UnsafeMutableRawPointer, atMost limit: Int) -> Int {
    let taken = min(limit, count)
    if let source = unsafe bytes.baseAddress { unsafe room.copyMemory(from: source, byteCount: taken) }
    drop(taken)
    if count == 0 { free() }
    return taken
  }

  /// Forgets the first bytes.
  public mutating func drop(_ dropped: Int) {
    start += min(dropped, count)
    if start == end { (start, end) = (0, 0) }
  }

  public mutating func free() {
    unsafe Glibc.free(base)
    unsafe base = nil
    (capacity, start, end) = (0, 0, 0)
  }
}
