import Testing

@testable import URLMap

@Suite("The trie's nodes")
struct StructureTests {
  @Test(
    "keep their form while keys come and go: sorted, no longer than they may be, every byte of the arena accounted for",
    arguments: [31, 32, 33] as [UInt64])
  func form(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let map = URLMap()
    var keys: [[UInt8]] = []
    for step in 0..<4000 {
      if keys.isEmpty || Int.random(in: 0..<(step < 2500 ? 5 : 3), using: &random) > 1 {
        let key = page(&random)
        map.learnPatiently(key)
        keys.append(key)
      } else {
        let key = keys.remove(at: Int.random(in: 0..<keys.count, using: &random))
        while !map.forget(key) { map.waitUntilApplied() }
      }
      if step % 400 == 0 { checkForm(map) }
    }
    checkForm(map)
  }

  @Test("are full when they are loaded: many URLs a block, hardly a leaf")
  func fullBlocks() {
    var random = SeededGenerator(seed: 3)
    let keys = Set((0..<5000).map { _ in page(&random) }).sorted { $0.lexicographicallyPrecedes($1) }
    let map = URLMap()
    map.core.writer.withLock { writer in
      writer.beginLoad()
      for key in keys {
        let added = key.withUnsafeBytes { writer.addLoaded($0, MapEntry(learnedAt: 1)) }
        #expect(added == .added)
      }
      let isPublished = writer.publishLoad()
      #expect(isPublished)
    }
    let counts = checkForm(map)
    #expect(counts.items + counts.leaves + counts.branchEntries == keys.count)
    #expect(counts.items > 6 * counts.blocks)
    #expect(counts.leaves < keys.count / 20)
  }

  @Test("repeat little of what neighbours share, however long it is")
  func longShares() {
    let map = URLMap()
    var total = 0
    for folder in 0..<40 {
      let share = [UInt8](repeating: 0x61 + UInt8(folder % 26), count: 200 + folder)
      for number in 0..<6 {
        let key = Array("/\(folder)/".utf8) + share + Array("\(number)".utf8)
        map.learnPatiently(key)
        total += key.count
      }
    }
    map.waitUntilApplied()
    checkForm(map)
    #expect(map.statistics.arenaBytesInUse < total / 3)
  }

  private func page(_ random: inout SeededGenerator) -> [UInt8] {
    let folders = ["a", "docs", "docs/old", "imagenes", "p", "producto/categoria", "~u"]
    let folder = folders[Int.random(in: 0..<folders.count, using: &random)]
    let number = Int.random(in: 0..<900, using: &random)
    let name = Bool.random(using: &random) ? "\(number)" : "pagina-\(number).html"
    let tail = [UInt8](repeating: 0x78, count: number % 17 == 0 ? number : 0)
    return Array("/\(folder)/\(name)".utf8) + tail
  }

  private struct Counts {
    var branches = 0
    var branchEntries = 0
    var blocks = 0
    var leaves = 0
    var items = 0
  }

  /// Walks all nodes and says what is not as the types promise.
  @discardableResult
  private func checkForm(_ map: URLMap) -> Counts {
    map.waitUntilApplied()
    var counts = Counts()
    map.core.writer.withLock { writer in
      writer.settle()
      var used = ArenaMemory.headerBytes
      let root = writer.trie.memory.root.load()
      var stack: [(ref: NodeRef, least: UInt8, below: Int)] = root == .none ? [] : [(root, 0, 256)]
      while let (ref, least, below) = stack.popLast() {
        let node = writer.trie.node(ref)
        let shape = node.shape
        let prefix = Array(node.prefix(shape))
        #expect(ref.isBlock == shape.isBlock)
        if let first = prefix.first { #expect(first >= least && Int(first) < below) }
        if shape.isBlock {
          used += FreeLines.cellBytes(for: node.size)
          counts.blocks += 1
          counts.items += shape.childCount
          checkBlock(Block(node, shape), prefix, least, below)
        } else {
          used += FreeCells.cellBytes(for: node.size)
          #expect(shape.hasEntry || shape.childCount > 1)
          if shape.childCount == 0 {
            counts.leaves += 1
          } else {
            counts.branches += 1
            if shape.hasEntry { counts.branchEntries += 1 }
          }
          var children = Children()
          children.take(from: node, shape)
          #expect(children.bytes == Set(children.bytes).sorted())
          for (index, child) in children.refs.enumerated() {
            let end = index + 1 < children.count ? Int(children.bytes[index + 1]) : 256
            stack.append((child, index == 0 ? 0 : children.bytes[index], end))
          }
        }
      }
      // What is less is cells that wait for readers, of whom there are none.
      #expect(used == writer.trie.allocator.usedBytes)
    }
    return counts
  }

  private func checkBlock(_ block: Block, _ prefix: [UInt8], _ least: UInt8, _ below: Int) {
    #expect((2...Block.mostItems).contains(block.count))
    let suffixes = (0..<block.count).map { Array(block.suffix(at: $0)) }
    #expect(zip(suffixes, suffixes.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
    if let first = suffixes.first?.first, let last = suffixes.last?.first {
      #expect(first != last, "what all suffixes share belongs into the prefix")
      if prefix.isEmpty { #expect(first >= least && Int(last) < below) }
    }
    for (index, suffix) in suffixes.enumerated() {
      suffix.withUnsafeBytes { bytes in
        let found = bytes.baseAddress.flatMap { block.index(of: $0, bytes.count) }
        #expect(found == index || bytes.isEmpty)
      }
    }
  }
}

@Suite("The free cells of the arena")
struct FreeCellsTests {
  @Test("no byte of a cell is lost, whatever its size")
  func everySize() {
    let memory = ArenaMemory(reserving: 2 << 20)
    for units in 4..<5000 {
      var free = FreeCells(memory)
      free.put(2048, units * ArenaMemory.unitBytes)
      #expect(free.freeBytes == units * ArenaMemory.unitBytes, "\(units) units")
    }
  }
}

@Suite("The free lines of the arena")
struct FreeLinesTests {
  @Test("neighbours join in any order, and nothing is handed out twice", arguments: [1, 2, 3] as [UInt64])
  func joining(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let memory = ArenaMemory(reserving: 2 << 20)
    let all = 2048..<(1 << 20)
    var free = FreeLines(memory)
    free.put(all.lowerBound, all.count)
    var taken: [Range<Int>] = []
    for _ in 0..<20_000 {
      let bytes = FreeLines.cellBytes(
        for: Int.random(in: 1...(Bool.random(using: &random) ? 900 : 40_000), using: &random))
      if Bool.random(using: &random), let offset = free.take(bytes) {
        let cell = offset..<offset + bytes
        #expect(all.contains(cell.lowerBound) && cell.upperBound <= all.upperBound)
        #expect(!taken.contains { $0.overlaps(cell) })
        taken.append(cell)
      } else if !taken.isEmpty {
        let cell = taken.remove(at: Int.random(in: 0..<taken.count, using: &random))
        free.put(cell.lowerBound, cell.count)
      }
    }
    for cell in taken.shuffled(using: &random) { free.put(cell.lowerBound, cell.count) }
    #expect(free.freeBytes == all.count)
    let cell = free.takeAny()
    #expect(cell?.offset == all.lowerBound && cell?.bytes == all.count, "all have become one cell again")
  }
}
