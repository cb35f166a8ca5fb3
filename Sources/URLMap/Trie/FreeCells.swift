/// The free cells for branches and leaves, by size in units of four bytes.
///
/// A cell is as large as its node; above 256 units it is rounded up to an eighth of its power of two. Each size has a
/// list, linked through the cells' first unit. All in O(1): which sizes have free cells is a bitmap.
struct FreeCells {
  /// The smallest node (a leaf without a prefix) takes 16 bytes; a smaller rest of a cell would be lost for good.
  private static let smallestUnits = 16 / ArenaMemory.unitBytes
  private static let exactUnits = 256
  private static let sizeCount = exactUnits + 1 + 8 * 12

  private let memory: ArenaMemory
  /// The first cell of each list, in units from the arena's start; 0: none.
  private var heads = [UInt32](repeating: 0, count: sizeCount)
  private var nonEmpty = SizeSet(count: sizeCount)
  private(set) var freeBytes = 0

  init(_ memory: ArenaMemory) {
    self.memory = memory
  }

  /// What a node of so many bytes takes.
  static func cellBytes(for bytes: Int) -> Int {
    FreeCells.units(ofSize: FreeCells.size((bytes + 3) / ArenaMemory.unitBytes)) * ArenaMemory.unitBytes
  }

  /// A free cell of `cellBytes`, perhaps split off a larger one: its offset, or nil.
  mutating func take(_ cellBytes: Int) -> Int? {
    let units = cellBytes / ArenaMemory.unitBytes
    let size = FreeCells.size(units)
    if heads[size] != 0 { return pop(size) }
    guard let larger = nonEmpty.first(from: FreeCells.size(units + FreeCells.smallestUnits)) else {
      return nil
    }
    let offset = pop(larger)
    put(offset + cellBytes, (FreeCells.units(ofSize: larger) - units) * ArenaMemory.unitBytes)
    return offset
  }

  /// Adds the free bytes at `offset`, a multiple of four, as one cell or several: what was split off may lie between
  /// two rounded sizes, and is then listed as the one below and what that leaves.
  mutating func put(_ offset: Int, _ bytes: Int) {
    var offset = offset
    var units = bytes / ArenaMemory.unitBytes
    while units >= FreeCells.smallestUnits {
      var size = FreeCells.size(units)
      if FreeCells.units(ofSize: size) > units { size -= 1 }
      while case 1..<FreeCells.smallestUnits = units - FreeCells.units(ofSize: size) { size -= 1 }
      let cellUnits = FreeCells.units(ofSize: size)
      push(offset, size)
      offset += cellUnits * ArenaMemory.unitBytes
      units -= cellUnits
    }
  }

  private mutating func pop(_ size: Int) -> Int {
    let offset = Int(heads[size]) * ArenaMemory.unitBytes
    let next = unsafe memory.base.load(fromByteOffset: offset, as: UInt32.self)
    heads[size] = next
    if next == 0 { nonEmpty.remove(size) }
    freeBytes -= FreeCells.units(ofSize: size) * ArenaMemory.unitBytes
    return offset
  }

  private mutating func push(_ offset: Int, _ size: Int) {
    unsafe memory.base.storeBytes(of: heads[size], toByteOffset: offset, as: UInt32.self)
    heads[size] = UInt32(truncatingIfNeeded: offset / ArenaMemory.unitBytes)
    nonEmpty.insert(size)
    freeBytes += FreeCells.units(ofSize: size) * ArenaMemory.unitBytes
  }

  // MARK: Sizes

  /// The smallest size that holds `units`.
  private static func size(_ units: Int) -> Int {
    if units <= exactUnits { return units }
    let last = units - 1
    let power = Int.bitWidth - 1 - last.leadingZeroBitCount
    let eighth = (last >> (power - 3)) & 7
    return exactUnits + 1 + (power - 8) * 8 + eighth
  }

  private static func units(ofSize size: Int) -> Int {
    if size <= exactUnits { return size }
    let (octave, eighth) = (size - exactUnits - 1).quotientAndRemainder(dividingBy: 8)
    return (9 + eighth) << (octave + 5)
  }
}
