import Glibc
import URLMap

/// The map by itself: what it takes to learn, to keep, to write, to load and to look up `urls`.
func alone(_ urls: URLSet) throws {
  var random = Random(seed: 42)
  let before = residentBytes()
  let map = URLMap(.init(maxURLs: max(1024, urls.count * 2)))
  let order = random.shuffled(urls.count)
  let now = UInt32(time(nil))

  let learning = Stopwatch()
  for index in order {
    urls.withKey(index) { key in
      while !map.learn(key, at: now) { usleep(100) }
    }
  }
  map.waitUntilApplied()
  report("learn, random order", "ns", learning.nanoseconds / Double(urls.count))
  report("memory after learning", "bytes/URL", Double(residentBytes() - before) / Double(urls.count))

  let path = "/dev/shm/relevo-map-benchmark-\(getpid()).map"
  let file = SnapshotFile(path: path)
  let writing = Stopwatch()
  let written = try file.write(map)
  report("snapshot", "s", writing.nanoseconds / 1e9)
  report("file", "bytes/URL", Double(written.bytes) / Double(urls.count))
  map.shutdown()

  let beforeLoad = residentBytes()
  let loaded = URLMap(.init(maxURLs: max(1024, urls.count * 2), keys: KeyScheme()))
  let loading = Stopwatch()
  _ = try file.load(into: loaded)
  report("load", "s", loading.nanoseconds / 1e9)
  report("memory after loading", "bytes/URL", Double(residentBytes() - beforeLoad) / Double(urls.count))
  let statistics = loaded.statistics
  report("arena", "bytes/URL", Double(statistics.arenaBytesInUse) / Double(statistics.urls))
  unlink(path)
  unlink(path + ".prev")

  report("one read of memory", "ns", readOfMemory(&random))
  for (name, map) in [("learned", map), ("loaded", loaded)] {
    let reader = map.makeReader()
    let hits = lookups(reader, urls, &random, changingLastByte: false)
    report("look-up, \(name), hit, median", "ns", hits.median)
    report("look-up, \(name), hit, 99 %", "ns", hits.high)
    let misses = lookups(reader, urls, &random, changingLastByte: true)
    report("look-up, \(name), miss, median", "ns", misses.median)
  }
}

/// Each look-up timed by itself, of random keys, as a request makes it; the clock's own time taken off.
func lookups(
  _ reader: borrowing URLMap.Reader, _ urls: URLSet, _ random: inout Random, changingLastByte: Bool
) -> (median: Double, high: Double) {
  let rounds = 200_000
  var times = [UInt64](repeating: 0, count: rounds)
  var clock = [UInt64](repeating: 0, count: 20_000)
  for index in clock.indices {
    let start = nanosecondsNow()
    clock[index] = nanosecondsNow() - start
  }
  clock.sort()
  let clockCost = clock[clock.count / 2]
  let batch = 512
  var keys: [[UInt8]] = []
  var found = 0
  for round in 0..<rounds {
    if round % batch == 0 {
      // The keys of a batch are fetched before: what is timed is the map.
      keys = (0..<batch).map { _ in
        urls.withKey(Int(random.next() % UInt64(urls.count))) { key in
          var bytes = key.withUnsafeBytes { Array($0) }
          // A neighbour of a URL, not a URL that differs at once.
          if changingLastByte { bytes[bytes.count - 1 - Int(random.next() % 6)] ^= 0x03 }
          return bytes
        }
      }
    }
    let key = keys[round % batch]
    let start = nanosecondsNow()
    let entry = reader.lookup(key.span.bytes, countingHitAt: nil)
    let end = nanosecondsNow()
    times[round] = end - start > clockCost ? end - start - clockCost : 0
    if entry != nil { found += 1 }
  }
  times.sort()
  precondition(changingLastByte ? found < rounds / 2 : found == rounds)
  return (Double(times[rounds / 2]), Double(times[rounds * 99 / 100]))
}

/// What each look-up beyond the processor's caches has to wait for at least once: one read of 64 MiB at a random place,
/// when the next place depends on what was read.
func readOfMemory(_ random: inout Random) -> Double {
  let count = (64 << 20) / 64
  var order = random.shuffled(count)
  var lines = [Int](repeating: 0, count: count * 8)
  for index in order.indices { lines[order[index] * 8] = order[(index + 1) % count] * 8 }
  order = []
  let reads = 200_000
  var place = 0
  let start = nanosecondsNow()
  for _ in 0..<reads { place = lines[place] }
  let end = nanosecondsNow()
  return Double(end - start) / Double(reads + place % 2)
}
