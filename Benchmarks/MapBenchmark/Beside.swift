import Glibc
import Synchronization
import URLMap

/// What one event loop does in a busy second: so many calls, a fiftieth of them each 20 ms, each call timed.
struct Loop {
  private var times: [UInt64] = []
  /// Of the longest call, without what it was not running.
  private var longestCPU: UInt64 = 0
  private let callsPerSecond: Int

  init(callsPerSecond: Int, seconds: Int) {
    self.callsPerSecond = callsPerSecond
    times.reserveCapacity(callsPerSecond * seconds)
  }

  mutating func run(while goOn: () -> Bool, _ call: () -> Void) {
    let perTurn = max(1, callsPerSecond / 1000)
    var next = nanosecondsNow()
    while goOn() {
      for _ in 0..<perTurn {
        let startCPU = nanosecondsNow(CLOCK_THREAD_CPUTIME_ID)
        let start = nanosecondsNow()
        call()
        times.append(nanosecondsNow() - start)
        longestCPU = max(longestCPU, nanosecondsNow(CLOCK_THREAD_CPUTIME_ID) - startCPU)
      }
      next += 1_000_000
      let now = nanosecondsNow()
      if next > now { usleep(UInt32((next - now) / 1000)) } else if now > next + 100_000_000 { next = now }
    }
  }

  var calls: Int { times.count }

  func report(_ what: String) {
    let sorted = times.sorted()
    guard let longest = sorted.last else { return }
    MapBenchmark.report("\(what), median", "ns", Double(sorted[sorted.count / 2]))
    MapBenchmark.report("\(what), 99.9 %", "us", Double(sorted[sorted.count * 999 / 1000]) / 1000)
    MapBenchmark.report("\(what), longest", "us", Double(longest) / 1000)
    MapBenchmark.report("\(what), longest in CPU time", "us", Double(longestCPU) / 1000)
    MapBenchmark.report("\(what), over 1 ms", "calls", Double(sorted.count { $0 > 1_000_000 }))
  }
}

/// Two loops at one map: one looks up 50,000 URLs a second, one learns 100,000, both while snapshots are written, one after
/// the other. What a call waits then is what a client would.
func besideEachOther(_ urls: URLSet, seconds: Int) throws {
  let map = URLMap(.init(maxURLs: 2 * urls.count + 200_000 * seconds))
  let now = UInt32(time(nil))
  for index in 0..<urls.count {
    urls.withKey(index) { key in
      while !map.learn(key, at: now) { usleep(100) }
    }
  }
  map.waitUntilApplied()
  let fresh = URLSet(synthetic: 100_000 * seconds, from: 500_000_000)
  let isOver = Atomic<Bool>(false)
  let path = "/dev/shm/relevo-map-benchmark-\(getpid()).map"
  let writer = Thread(name: "writer") {
    while !isOver.load(ordering: .relaxed) { _ = try? SnapshotFile(path: path).write(map) }
  }
  let learner = Thread(name: "learner") {
    var loop = Loop(callsPerSecond: 100_000, seconds: seconds)
    var learned = 0
    var refused = 0
    let isGoingOn = { learned < fresh.count && !isOver.load(ordering: .relaxed) }
    loop.run(while: isGoingOn) {
      if !fresh.withKey(learned, { map.learn($0, at: now) }) { refused += 1 }
      learned += 1
    }
    loop.report("learn")
    report("learned", "URLs", Double(learned))
    report("lost", "URLs", Double(refused))
  }
  var random = Random(seed: 9)
  let reader = map.makeReader()
  var loop = Loop(callsPerSecond: 50_000, seconds: seconds)
  let end = nanosecondsNow() + UInt64(seconds) * 1_000_000_000
  var found = 0
  let isGoingOn = { nanosecondsNow() < end }
  loop.run(while: isGoingOn) {
    let entry = urls.withKey(Int(random.next() % UInt64(urls.count))) {
      reader.lookup($0, countingHitAt: now)
    }
    if entry != nil { found += 1 }
  }
  precondition(writer != nil && learner != nil, "the system has no thread left")
  isOver.store(true, ordering: .relaxed)
  learner?.join()
  writer?.join()
  loop.report("look-up")
  precondition(found == loop.calls)
  map.waitUntilApplied()
  for suffix in ["", ".prev"] { unlink(path + suffix) }
}
