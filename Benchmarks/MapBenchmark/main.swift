import Glibc
import URLMap

// What the URL map costs, alone: memory, look-ups, learning, snapshot and load. Prints one line of figures for each
// set of URLs; `Benchmarks/map` puts them into a table.
//
//   MapBenchmark COUNT [FILE]
//
// COUNT synthetic URLs, or the first COUNT lines of FILE.

var arguments = CommandLine.arguments.dropFirst()
guard let count = arguments.popFirst().flatMap({ Int($0) }), count > 0 else {
  print("usage: MapBenchmark COUNT [FILE-OF-URLS]")
  exit(64)
}
let urls = arguments.popFirst().map { URLSet(file: $0, atMost: count) } ?? URLSet(synthetic: count)
guard urls.count > 0 else {
  print("no URLs")
  exit(64)
}
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
let loaded = URLMap(.init(maxURLs: max(1024, urls.count * 2)))
let loading = Stopwatch()
_ = try file.load(into: loaded)
report("load", "s", loading.nanoseconds / 1e9)
report("memory after loading", "bytes/URL", Double(residentBytes() - beforeLoad) / Double(urls.count))
let statistics = loaded.statistics
report("arena", "bytes/URL", Double(statistics.arenaBytesInUse) / Double(statistics.urls))
unlink(path)
unlink(path + ".prev")

for (name, map) in [("learned", map), ("loaded", loaded)] {
  let reader = map.makeReader()
  let hits = lookups(reader, urls, &random, changingLastByte: false)
  report("look-up, \(name), hit, median", "ns", hits.median)
  report("look-up, \(name), hit, 99 %", "ns", hits.high)
  let misses = lookups(reader, urls, &random, changingLastByte: true)
  report("look-up, \(name), miss, median", "ns", misses.median)
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

func report(_ what: String, _ unit: String, _ value: Double) {
  let text = value < 10 ? String(Int(value * 1000)) : String(Int(value * 10))
  let digits = value < 10 ? 3 : 1
  let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
  print("\(what)\t\(padded.dropLast(digits)).\(padded.suffix(digits))\t\(unit)")
}
