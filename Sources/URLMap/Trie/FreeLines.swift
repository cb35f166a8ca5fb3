/// The free cells for blocks, by size in lines of 64 bytes. Free neighbours become one cell, as blocks grow one URL at a
/// time and would otherwise leave behind ever more cells that are a little too small.
///
/// ```
///   a free cell    │ next │ before │ lines │ …            … │ lines │
///                    4      4        4                        4
/// ```
/// The lists are linked through the cells; a cell of more than 256 lines is in the list of the next smaller eighth of a
/// power of two. Where a free cell begins and where one ends are bitmaps with a bit a line. All in O(1).
struct FreeLines {
  private static let exactLines = 256
  private static let listCount = exactLines + 1 + 8 * 20

  private let memory: ArenaMemory
  /// The first cell of each list, as the number of its first line; 0: none.
  private var heads = [UInt32](repeating: 0, count: listCount)
  private var nonEmpty = SizeSet(count: listCount)
  private var begins = LineSet()
  private var ends = LineSet()
  private(set) var freeBytes = 0

  init(_ memory: ArenaMemory) {
    self.memory = memory
  }

  /// What a block of so many bytes takes.
  static func cellBytes(for bytes: Int) -> Int {
    (bytes + ArenaMemory.lineBytes - 1) & -ArenaMemory.lineBytes
  }

  /// A free cell of `cellBytes`, perhaps split off a larger one: its offset, or nil.
  mutating func take(_ cellBytes: Int) -> Int? {
    let wanted = cellBytes / ArenaMemory.lineBytes
    guard let list = nonEmpty.first(from: FreeLines.list(holding: wanted)) else { return nil }
    let line = Int(heads[list])
    let lines = unlink(line)
    if lines > wanted { link(line + wanted, lines - wanted) }
    return line * ArenaMemory.lineBytes
  }

  /// Any free cell: its offset and bytes.
  mutating func takeAny() -> (offset: Int, bytes: Int)? {
    guard let list = nonEmpty.first(from: 0) else { return nil }
    let line = Int(heads[list])
    let lines = unlink(line)
    return (line * ArenaMemory.lineBytes, lines * ArenaMemory.lineBytes)
  }

  /// Adds the free lines at `offset`.
  mutating func put(_ offset: Int, _ bytes: Int) {
    var line = offset / ArenaMemory.lineBytes
    var lines = bytes / ArenaMemory.lineBytes
    if ends.contains(line - 1) {
      let before = line - Int(word(line - 1, FreeLines.lastWord))
      line = before
      lines += unlink(before)
    }
    if begins.contains(line + lines) { lines += unlink(line + lines) }
    link(line, lines)
  }

  // MARK: Lists

  private static let next = 0
  private static let before = 4
  private static let lines = 8
  private static let lastWord = ArenaMemory.lineBytes - 4

  private func word(_ line: Int, _ offset: Int) -> UInt32 {
    unsafe memory.base.load(fromByteOffset: line * ArenaMemory.lineBytes + offset, as: UInt32.self)
  }

  private func setWord(_ line: Int, _ offset: Int, _ value: Int) {
    unsafe memory.base.storeBytes(
      of: UInt32(truncatingIfNeeded: value), toByteOffset: line * ArenaMemory.lineBytes + offset,
      as: UInt32.self)
  }

  private mutating func link(_ line: Int, _ lines: Int) {
    let list = FreeLines.list(of: lines)
    let next = Int(heads[list])
    setWord(line, FreeLines.next, next)
    setWord(line, FreeLines.before, 0)
    setWord(line, FreeLines.lines, lines)
    setWord(line + lines - 1, FreeLines.lastWord, lines)
    if next != 0 { setWord(next, FreeLines.before, line) }
    heads[list] = UInt32(truncatingIfNeeded: line)
    nonEmpty.insert(list)
    begins.insert(line)
    ends.insert(line + lines - 1)
    freeBytes += lines * ArenaMemory.lineBytes
  }

  /// Takes the cell that begins at `line` out of its list: its lines.
  private mutating func unlink(_ line: Int) -> Int {
    let lines = Int(word(line, FreeLines.lines))
    let next = Int(word(line, FreeLines.next))
    let before = Int(word(line, FreeLines.before))
    if next != 0 { setWord(next, FreeLines.before, before) }
    if before != 0 {
      setWord(before, FreeLines.next, next)
    } else {
      let list = FreeLines.list(of: lines)
      heads[list] = UInt32(truncatingIfNeeded: next)
      if next == 0 { nonEmpty.remove(list) }
    }
    begins.remove(line)
    ends.remove(line + lines - 1)
    freeBytes -= lines * ArenaMemory.lineBytes
    return lines
  }

  /// The list that a cell of so many lines is in.
  private static func list(of lines: Int) -> Int {
    if lines <= exactLines { return lines }
    let power = Int.bitWidth - 1 - lines.leadingZeroBitCount
    return exactLines + 1 + (power - 8) * 8 + (lines >> (power - 3)) & 7
  }

  /// The first list of which every cell holds `lines`.
  private static func list(holding lines: Int) -> Int {
    let list = list(of: lines)
    if lines <= exactLines { return list }
    let power = Int.bitWidth - 1 - lines.leadingZeroBitCount
    return lines & (1 << (power - 3) - 1) == 0 ? list : list + 1
  }
}

/// A set of lines: a bit each.
private struct LineSet {
  private var words: [UInt64] = []

  func contains(_ line: Int) -> Bool {
    let word = line >> 6
    return words.indices.contains(word) && words[word] & 1 << UInt64(line & 63) != 0
  }

  mutating func insert(_ line: Int) {
    let word = line >> 6
    if word >= words.count { words.append(contentsOf: repeatElement(0, count: word + 1 - words.count)) }
    words[word] |= 1 << UInt64(line & 63)
  }

  mutating func remove(_ line: Int) {
    words[line >> 6] &= ~(1 << UInt64(line & 63))
  }
}
