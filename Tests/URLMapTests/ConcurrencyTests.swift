import Glibc
import Synchronization
import Testing

@testable import URLMap

@Suite("Readers beside the writer")
struct ConcurrencyTests {
  /// Runs each closure on a thread of its own and waits for all.
  private func together(_ bodies: [@Sendable () -> Void]) {
    let threads = bodies.map { Thread(name: "test", $0) }
    for thread in threads { thread?.join() }
    #expect(threads.allSatisfy { $0 != nil })
  }

  private final class Failures: Sendable {
    private let messages = Locked<[String]>([])
    func add(_ message: String) { messages.withLock { $0.append(message) } }
    var all: [String] { messages.withLock { $0 } }
  }

  @Test("what is known throughout is always found, with its visits, while its neighbours come and go")
  func stableAreFound() {
    let map = URLMap()
    let stable = (0..<200).map { Array("/seccion/\($0 % 5)/pagina-\($0)".utf8) }
    for key in stable { map.learnPatiently(key) }
    map.waitUntilApplied()
    let isDone = Atomic<Bool>(false)
    let failures = Failures()
    let rounds = 60

    let writer: @Sendable () -> Void = {
      for _ in 0..<rounds {
        for key in stable {
          map.learnPatiently(key + [0x61])
          map.learnPatiently(key.dropLast() + [0x7A])
          map.learnPatiently(Array(key.prefix(8)) + [UInt8.random(in: 0x41...0x5A)])
        }
        for key in stable {
          while !map.forget(key + [0x61]) { map.waitUntilApplied() }
          while !map.forget(key.dropLast() + [0x7A]) { map.waitUntilApplied() }
        }
      }
      map.waitUntilApplied()
      isDone.store(true, ordering: .releasing)
    }
    let reader: @Sendable () -> Void = {
      let reader = map.makeReader()
      var lowest = [UInt32](repeating: 0, count: stable.count)
      while !isDone.load(ordering: .acquiring) {
        for index in stable.indices {
          guard let entry = reader.lookup(stable[index], countingHitAt: 200) else {
            failures.add("lost \(index)")
            return
          }
          // A copy is published before the visits that came while it was made are carried over to it.
          var hits = entry.hits
          let patience = ContinuousClock.now + .seconds(5)
          while hits < lowest[index], ContinuousClock.now < patience {
            usleep(100)
            hits = reader.lookup(stable[index])?.hits ?? 0
          }
          if entry.learnedAt != 100 || hits < lowest[index] || ![100, 200].contains(entry.lastUsedAt) {
            failures.add("\(index): \(entry) after \(lowest[index]) visits")
            return
          }
          // Another thread's or the writer's copy may take a count back, but never all of them.
          lowest[index] = hits / 2
        }
        if reader.lookup(Array("/never".utf8)) != nil { failures.add("found what was never learned") }
      }
    }
    let walker: @Sendable () -> Void = {
      while !isDone.load(ordering: .acquiring) {
        var previous: [UInt8] = []
        var seen = 0
        map.forEachEntry { key, entry in
          let key = key.array
          if !isBelow(previous, key) { failures.add("walked out of order") }
          if entry.learnedAt != 100 { failures.add("walked into \(entry)") }
          previous = key
          if let last = key.last, (0x30...0x39).contains(last) { seen += 1 }
        }
        if seen != stable.count { failures.add("walked past \(stable.count - seen)") }
      }
    }
    together([writer, reader, reader, walker])
    #expect(failures.all == [])
    #expect(map.statistics.droppedByFullMemory == 0)
  }

  @Test("many threads learn at once; nothing that was accepted is lost, and each thread's order is kept")
  func manyLearn() {
    let map = URLMap(.init(queueLimit: 256))
    let threads = 4
    let each = 2500
    together(
      (0..<threads).map { thread in
        {
          for number in 0..<each {
            let key = Array("/\(thread)/\(number)".utf8)
            map.learnPatiently(key, at: 1)
            map.learnPatiently(key, at: 2)
            if number % 2 == 1 { while !map.forget(key) { usleep(50) } }
          }
        }
      })
    map.waitUntilApplied()
    #expect(map.count == threads * each / 2)
    #expect(map.allEntries.allSatisfy { $0.entry.learnedAt == 2 })
  }

  @Test("a snapshot taken while URLs come and go is whole and holds what is known throughout")
  func snapshotMeanwhile() throws {
    let folder = TemporaryFolder()
    let file = SnapshotFile(path: folder["m"])
    let map = URLMap()
    for number in 0..<2000 { map.learnPatiently(Array("/stays/\(number)".utf8)) }
    map.waitUntilApplied()
    let isDone = Atomic<Bool>(false)
    let path = file.path
    let failures = Failures()
    together([
      {
        var number = 0
        while !isDone.load(ordering: .acquiring) {
          map.learnPatiently(Array("/stays/\(number % 2000)/child".utf8))
          map.forget(Array("/stays/\((number + 1000) % 2000)/child".utf8))
          number += 1
        }
      },
      {
        for _ in 0..<5 {
          let loaded = URLMap()
          do {
            try SnapshotFile(path: path).write(map)
            try SnapshotFile(path: path).load(into: loaded)
          } catch { failures.add("\(error)") }
          let staying = loaded.allKeys.filter { !$0.hasSuffix("child") }.count
          if staying != 2000 { failures.add("\(staying) in the snapshot") }
        }
        isDone.store(true, ordering: .releasing)
      },
    ])
    #expect(failures.all == [])
  }

  @Test("look-ups go on during a load, and see nothing of it or all")
  func loadIsOneStep() throws {
    let folder = TemporaryFolder()
    let path = folder["m"]
    let file = SnapshotFile(path: path)
    let source = URLMap()
    for number in 0..<3000 { source.learnPatiently(Array("/\(number)".utf8)) }
    source.waitUntilApplied()
    try file.write(source)
    let map = URLMap()
    let isDone = Atomic<Bool>(false)
    let failures = Failures()
    together([
      {
        let reader = map.makeReader()
        while !isDone.load(ordering: .acquiring) {
          let first = reader.lookup(Array("/0".utf8))
          let last = reader.lookup(Array("/999".utf8))
          if first != nil, last == nil { failures.add("half a load was seen") }
        }
      },
      {
        do { try SnapshotFile(path: path).load(into: map) } catch { failures.add("\(error)") }
        isDone.store(true, ordering: .releasing)
      },
    ])
    #expect(failures.all == [])
    #expect(map.count == 3000)
  }
}
