/// The sizes of which there are free cells: a bit each.
struct SizeSet {
  private var words: [UInt64]

  /// For the sizes below `count`.
  init(count: Int) {
    words = [UInt64](repeating: 0, count: (count + 63) / 64)
  }

  mutating func insert(_ size: Int) {
    words[size >> 6] |= 1 << UInt64(size & 63)
  }

  mutating func remove(_ size: Int) {
    words[size >> 6] &= ~(1 << UInt64(size & 63))
  }

  /// The smallest that is not below `size`, or nil.
  func first(from size: Int) -> Int? {
    var word = size >> 6
    guard word < words.count else { return nil }
    var bits = words[word] & (UInt64.max << UInt64(size & 63))
    while bits == 0 {
      word += 1
      guard word < words.count else { return nil }
      bits = words[word]
    }
    return word << 6 + bits.trailingZeroBitCount
  }
}
