/// What the writer keeps while a file is loaded.
struct LoadState: ~Copyable {
  enum Phase {
    case none
    /// The file's entries are put together aside.
    case building
    /// What was learned meanwhile joins them, in steps; what is learned now goes to both.
    case merging
  }

  /// A URL forgotten meanwhile must not come back with the file. Past so many, it may: its next visit forgets it again.
  private static let limitForgotten = 65_536

  var phase = Phase.none
  var builder = TrieBuilder()
  private(set) var isShortOfMemory = false
  private(set) var forgotten: Set<[UInt8]> = []

  mutating func noteLearned(_ key: UnsafeRawBufferPointer, at now: UInt32, in trie: inout Trie) {
    if !forgotten.isEmpty { forgotten.remove(unsafe Array(key)) }
    guard phase == .merging else { return }
    if unsafe builder.merge(key, MapEntry(learnedAt: now), in: &trie) == .outOfMemory {
      isShortOfMemory = true
    }
  }

  mutating func noteForgotten(_ key: UnsafeRawBufferPointer) {
    if forgotten.count < LoadState.limitForgotten { forgotten.insert(unsafe Array(key)) }
  }
}
