import EventLoop
import Glibc
import Testing

@testable import Proxy

@Suite("a recorded body", .serialized)
struct BodyRecorderTests {
  private static let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
  private let body = Self.body

  private let pool = BufferPool(blockBytes: 32 << 10, keptBlocks: 4)

  /// The bytes come behind a head, in parts that a block has room for, with the start of something else behind them.
  private func record(_ bytes: ArraySlice<UInt8>, into recorder: BodyRecorder) throws {
    try recorder.announce(bytes.count)
    var rest = bytes
    while !rest.isEmpty {
      let part = Array(rest.prefix(30_000))
      var input = Buffer(pool: pool)
      let fits = input.append(RawSpan(_elements: ([1, 2, 3] + part + [4, 5] as [UInt8]).span))
      try #require(fits)
      try recorder.take(part.count, at: 3, from: &input)
      let left = Array(input.readable)
      #expect(left == [1, 2, 3, 4, 5])
      rest = rest.dropFirst(part.count)
    }
  }

  private func recorder(memoryLimit: Int, limit: Int, budget: Int = .max) -> BodyRecorder {
    BodyRecorder(memoryLimit: memoryLimit, limit: limit, budget: ReplayBudget(bytes: budget))
  }

  /// What is recorded from `offset` on, read with a buffer of `step` bytes.
  private func replay(_ recorder: BodyRecorder, from offset: Int = 0, step: Int) throws -> [UInt8] {
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: step)
    while true {
      let count = try buffer.withUnsafeMutableBytes { try recorder.read(at: offset + all.count, into: $0) }
      if count == 0 { return all }
      all += buffer.prefix(count)
    }
  }

  /// The files of recorders that this process has open, as the kernel names them.
  private func openFiles() -> [String] {
    (0..<1_024).compactMap { number in
      var target = [CChar](repeating: 0, count: 4_096)
      let count = readlink("/proc/self/fd/\(number)", &target, target.count)
      let name = text(target.prefix(max(0, count)).map { UInt8(bitPattern: $0) })
      return name.contains("/relevo-body-") ? name : nil
    }
  }

  @Test("stays in memory up to its limit, and makes no file")
  func staysInMemory() throws {
    let before = openFiles()
    let recorder = self.recorder(memoryLimit: 1_000, limit: 10_000)
    try record(body[..<400], into: recorder)
    try record(body[400..<1_000], into: recorder)
    try record([], into: recorder)
    #expect(recorder.count == 1_000)
    #expect(openFiles() == before)
    #expect(try replay(recorder, step: 300) == Array(body[..<1_000]))
  }

  @Test("moves to a file that has no name with the byte past that, and the file goes with it")
  func movesToUnlinkedFile() throws {
    let before = openFiles()
    var recorder: BodyRecorder? = self.recorder(memoryLimit: 1_000, limit: 10_000)
    try record(body[..<1_000], into: #require(recorder))
    try record(body[1_000..<1_001], into: #require(recorder))
    let opened = openFiles().filter { !before.contains($0) }
    #expect(opened.count == 1)
    let name = try #require(opened.first)
    #expect(name.hasSuffix(" (deleted)"))
    #expect(access(String(name.dropLast(" (deleted)".count)), F_OK) == -1)
    #expect(try replay(#require(recorder), step: 4_096) == Array(body[..<1_001]))
    recorder = nil
    #expect(openFiles() == before)
  }

  @Test("goes to the file at once when nothing may stay in memory, or its first part is too long for it")
  func beginsInFile() throws {
    for memoryLimit in [0, 500] {
      let before = openFiles()
      let recorder = self.recorder(memoryLimit: memoryLimit, limit: 10_000)
      try record(body[..<501], into: recorder)
      #expect(openFiles().count == before.count + 1)
      #expect(try replay(recorder, step: 100) == Array(body[..<501]))
    }
  }

  @Test(
    "is read back byte for byte, wherever it is read from and however much at a time",
    arguments: [1 << 20, 70_000, 0], [1, 7, 4_096, 65_536, 400_000])
  func isExact(memoryLimit: Int, step: Int) throws {
    let recorder = self.recorder(memoryLimit: memoryLimit, limit: 1 << 20)
    let whole = step == 1 ? body[..<20_000] : body[...]
    var offset = 0
    for size in sequence(first: 1, next: { $0 * 3 }) where offset < whole.count {
      let end = min(whole.count, offset + size)
      try record(whole[offset..<end], into: recorder)
      offset = end
      if end == whole.count { break }
    }
    #expect(recorder.count == whole.count)
    for start in [0, 1, whole.count / 2, whole.count - 1, whole.count] {
      #expect(try replay(recorder, from: start, step: step) == Array(whole[start...]))
    }
    #expect(try replay(recorder, from: whole.count + 5, step: step) == [])
  }

  @Test(
    "is refused past its limit, in memory and in a file, and keeps what it had", arguments: [10_000, 100])
  func isBounded(memoryLimit: Int) throws {
    let recorder = self.recorder(memoryLimit: memoryLimit, limit: 1_000)
    try record(body[..<999], into: recorder)
    #expect(throws: BodyRecorder.Failure.pastLimit) { try record(body[999..<1_001], into: recorder) }
    #expect(recorder.count == 999)
    try record(body[999..<1_000], into: recorder)
    #expect(throws: BodyRecorder.Failure.pastLimit) { try record(body[..<1], into: recorder) }
    #expect(try replay(recorder, step: 512) == Array(body[..<1_000]))
  }

  @Test("moves to its file when the memory for all bodies is spent, and gives its part back")
  func sharesMemory() throws {
    let budget = ReplayBudget(bytes: 100_000)
    var first: BodyRecorder? = BodyRecorder(memoryLimit: 80_000, limit: 1 << 20, budget: budget)
    let second = BodyRecorder(memoryLimit: 80_000, limit: 1 << 20, budget: budget)
    let before = openFiles()
    try record(body[..<60_000], into: #require(first))
    try record(body[..<40_000], into: second)
    #expect(openFiles() == before)
    try record(body[40_000..<40_001], into: second)
    #expect(openFiles().count == before.count + 1)
    #expect(try replay(second, step: 4_096) == Array(body[..<40_001]))
    #expect(budget.take(40_000), "what went to the file is free")
    #expect(!budget.take(1))
    first = nil
    #expect(budget.take(60_000))
    #expect(!budget.take(1))
  }
}
