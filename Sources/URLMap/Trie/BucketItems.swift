/// URLs in rising order that are on their way into a block, or into as many blocks, leaves and branches as they need.
///
/// The writer's own. Its arrays are kept and used again, so that learning allocates nothing in the steady state.
struct BucketItems {
  struct Item {
    /// Where its bytes begin and end in `bytes`.
    var start: Int
    var end: Int
    /// How many of its first bytes are those of the item before it; 0 for the first.
    var shared: Int
    var entry: MapEntry

    var length: Int { end - start }
  }

  private(set) var bytes: [UInt8] = []
  private(set) var items: [Item] = []

  var count: Int { items.count }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    items.removeAll(keepingCapacity: true)
  }

  /// Takes away the items from `first` on.
  mutating func removeAll(from first: Int) {
    guard first < items.count else { return }
    bytes.removeLast(bytes.count - items[first].start)
    items.removeLast(items.count - first)
  }

  /// Adds an item whose bytes are `lead` and `tail`, above all that are there.
  mutating func append(_ lead: UnsafeRawBufferPointer, _ tail: UnsafeRawBufferPointer, _ entry: MapEntry) {
    let start = bytes.count
    unsafe bytes.append(contentsOf: lead)
    unsafe bytes.append(contentsOf: tail)
    var shared = 0
    if let last = items.last {
      let limit = min(last.length, bytes.count - start)
      while shared < limit, bytes[last.start + shared] == bytes[start + shared] { shared += 1 }
    }
    items.append(Item(start: start, end: bytes.count, shared: shared, entry: entry))
  }

  /// Adds an item of which it is known what it shares with the one before it.
  mutating func append(_ key: UnsafeRawBufferPointer, shared: Int, _ entry: MapEntry) {
    let start = bytes.count
    unsafe bytes.append(contentsOf: key)
    items.append(Item(start: start, end: bytes.count, shared: shared, entry: entry))
  }

  /// How many of their first bytes all items of `range` have in common. They are sorted, so what the neighbours share
  /// decides.
  func common(_ range: Range<Int>) -> Int {
    range.dropFirst().reduce(items[range.lowerBound].length) { min($0, items[$1].shared) }
  }

  /// Whether the items of `range`, two at least, may be a block whose prefix ends `depth` bytes into each.
  func fitBlock(_ range: Range<Int>, depth: Int) -> Bool {
    guard range.count <= Block.mostItems else { return false }
    var units = 0
    var repeated = 0
    for index in range {
      units += Block.units(suffixBytes: items[index].length - depth)
      if index > range.lowerBound { repeated += items[index].shared - depth }
    }
    return units <= Block.mostUnits && repeated <= Block.repeatedBytesPerItem * (range.count - 1)
  }

  /// As many of the items from `first` on, below `limit`, as may be one block of at most `most` below a branch that ends
  /// `depth` bytes into each: whole groups with the same byte there. At least one group, however large.
  func run(from first: Int, below limit: Int, depth: Int, most: Int) -> Range<Int> {
    var run = first..<groupEnd(first, limit, depth)
    while run.upperBound < limit {
      let longer = first..<groupEnd(run.upperBound, limit, depth)
      guard longer.count <= most, fitBlock(longer, depth: depth) else { break }
      run = longer
    }
    return run
  }

  private func groupEnd(_ first: Int, _ limit: Int, _ depth: Int) -> Int {
    var end = first + 1
    while end < limit, items[end].shared > depth { end += 1 }
    return end
  }
}
