/// A buffer whose bytes are kept or dropped from the front on; what is kept is moved together at its start.
///
///     | kept ... | gap: dropped | remaining ... |
///     0        kept          consumed         count
///
/// It borrows the buffer of one `BodyScanner.scan` and is gone when that returns.
@safe
struct Sieve: ~Copyable {
  private let bytes: UnsafeMutableRawBufferPointer
  private(set) var consumed = 0
  private(set) var kept = 0

  @unsafe
  init(_ bytes: UnsafeMutableRawBufferPointer) {
    unsafe self.bytes = bytes
  }

  var remaining: Int { unsafe bytes.count - consumed }

  /// The byte at `offset` of those that remain; `offset` must be less than `remaining`.
  func byte(at offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < remaining, "The buffer has no such byte.")
    return unsafe bytes[consumed + offset]
  }

  /// Whether CRLF comes next; false as long as that is not decided.
  func hasLineEnd(orElse wrong: MalformedMessage) throws(MalformedMessage) -> Bool {
    guard remaining >= 1 else { return false }
    guard byte(at: 0) == .carriageReturn else {
      throw byte(at: 0) == .lineFeed ? .bareLineFeed : wrong
    }
    guard remaining >= 2 else { return false }
    guard byte(at: 1) == .lineFeed else { throw .bareCarriageReturn }
    return true
  }

  mutating func keep(_ count: Int) {
    precondition(count >= 0 && count <= remaining, "The buffer has fewer bytes.")
    if kept != consumed, count > 0 {
      let start = unsafe bytes.baseAddress.unsafelyUnwrapped
      unsafe (start + kept).copyMemory(from: start + consumed, byteCount: count)
    }
    kept += count
    consumed += count
  }

  /// Keeps as many bytes as there are, but at most `wanted`. Returns how many are still wanted.
  mutating func keep(atMost wanted: UInt64) -> UInt64 {
    let count = Int(clamping: min(wanted, UInt64(remaining)))
    keep(count)
    return wanted - UInt64(count)
  }

  mutating func drop(_ count: Int) {
    precondition(count >= 0 && count <= remaining, "The buffer has fewer bytes.")
    consumed += count
  }
}
