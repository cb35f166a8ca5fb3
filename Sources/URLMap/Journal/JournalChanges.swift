import Glibc

/// What a journal's changes come to: the last of each key, in the order of the keys.
///
/// Changes are facts and their order is kept, so it does no harm to apply them to a snapshot that has some of them
/// already: the last one of a key decides whether it is known.
struct JournalChanges: ~Copyable {
  private struct Change {
    var start: Int
    var length: Int32
    var time: UInt32
    var isKnown: Bool
    /// It was forgotten before it was learned again: earlier visits do not count.
    var isFresh: Bool
    var isUsed = false
  }

  private var keys: [UInt8] = []
  private var changes: [Change] = []
  /// Where the last key that was asked for is or would be.
  private var cursor = 0

  var isEmpty: Bool { changes.isEmpty }
  /// The newest time that is spoken of.
  private(set) var newest: UInt32 = 0

  mutating func append(_ kind: ChangeLog.Kind, _ key: Span<UInt8>, at time: UInt32) {
    let start = keys.count
    unsafe key.withUnsafeBufferPointer { unsafe keys.append(contentsOf: $0) }
    let isKnown = kind == .learned
    if isKnown { newest = max(newest, time) }
    changes.append(
      Change(start: start, length: Int32(key.count), time: time, isKnown: isKnown, isFresh: !isKnown))
  }

  /// Puts them in order, once all are there. O(n log n).
  mutating func settle() {
    unsafe keys.withUnsafeBytes { keys in
      changes.sort { a, b in
        let order = unsafe JournalChanges.compare(keys, a, b)
        // Later ones stand further behind.
        return order != 0 ? order < 0 : a.start < b.start
      }
      var kept = 0
      for index in changes.indices {
        var change = changes[index]
        if kept > 0, unsafe JournalChanges.compare(keys, changes[kept - 1], change) == 0 {
          change.isFresh = change.isFresh || changes[kept - 1].isFresh
          changes[kept - 1] = change
        } else {
          changes[kept] = change
          kept += 1
        }
      }
      changes.removeLast(changes.count - kept)
    }
  }

  /// What becomes of an entry of the snapshot; nil: it has gone. Fastest for keys in rising order.
  mutating func applied(to entry: MapEntry, _ key: UnsafeRawBufferPointer) -> MapEntry? {
    guard unsafe find(key) else { return entry }
    let change = changes[cursor]
    changes[cursor].isUsed = true
    guard change.isKnown else { return nil }
    // A snapshot that was taken after this learning has its visits.
    if change.isFresh, entry.learnedAt != change.time { return MapEntry(learnedAt: change.time) }
    var entry = entry
    entry.learnedAt = max(entry.learnedAt, change.time)
    return entry
  }

  /// Calls `body` with each URL that was learned and that `applied` was not asked for, until that returns false.
  borrowing func forEachUnused(_ body: (UnsafeRawBufferPointer, MapEntry) -> Bool) -> Bool {
    unsafe keys.withUnsafeBytes { keys in
      for change in changes where change.isKnown && !change.isUsed {
        let key = unsafe UnsafeRawBufferPointer(
          rebasing: keys[change.start..<change.start + Int(change.length)])
        guard unsafe body(key, MapEntry(learnedAt: change.time)) else { return false }
      }
      return true
    }
  }

  /// Moves the cursor to the first change whose key is not below `key`; whether it is that one's.
  private mutating func find(_ key: UnsafeRawBufferPointer) -> Bool {
    guard !changes.isEmpty else { return false }
    return unsafe keys.withUnsafeBytes { keys in
      if cursor > 0, unsafe JournalChanges.compare(keys, changes[cursor - 1], key) >= 0 { cursor = 0 }
      // In ever longer steps, then by halves: next to nothing when the next key is near.
      var low = cursor
      var step = 1
      while low < changes.count, unsafe JournalChanges.compare(keys, changes[low], key) < 0 {
        cursor = low + 1
        low += step
        step *= 2
      }
      var high = min(low, changes.count)
      while cursor < high {
        let middle = (cursor + high) / 2
        if unsafe JournalChanges.compare(keys, changes[middle], key) < 0 {
          cursor = middle + 1
        } else {
          high = middle
        }
      }
      return unsafe cursor < changes.count && JournalChanges.compare(keys, changes[cursor], key) == 0
    }
  }

  private static func compare(_ keys: UnsafeRawBufferPointer, _ a: Change, _ b: Change) -> Int {
    unsafe compare(keys, a, UnsafeRawBufferPointer(rebasing: keys[b.start..<b.start + Int(b.length)]))
  }

  private static func compare(
    _ keys: UnsafeRawBufferPointer, _ a: Change, _ key: UnsafeRawBufferPointer
  ) -> Int {
    guard let base = keys.baseAddress, let other = key.baseAddress else { return 0 }
    let order = unsafe memcmp(base + a.start, other, min(Int(a.length), key.count))
    return order != 0 ? Int(order) : Int(a.length) - key.count
  }
}
