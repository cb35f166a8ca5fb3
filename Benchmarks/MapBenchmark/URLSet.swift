import Glibc

/// URLs, one behind the other in one array: their own memory does not grow while the map's is measured.
struct URLSet {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  var count: Int { ends.count }

  /// The paths of a newspaper's site, 44 bytes in the mean, each once.
  init(synthetic count: Int, from base: Int = 1_000_000) {
    let sections = [
      "noticias", "economia", "deportes", "cultura", "opinion", "sociedad", "ciencia", "viajes",
    ]
    let words = [
      "casa", "lluvia", "gobierno", "mercado", "futbol", "ciudad", "verano", "museo", "trabajo", "banco",
      "madrid",
      "europa", "libro", "cine", "salud", "tren",
    ]
    var random = Random(seed: 7)
    for number in 0..<count {
      let bits = random.next()
      let section = sections[Int(bits & 7)]
      let year = 2004 + Int(bits >> 3 & 15)
      let month = 1 + Int(bits >> 7 & 0xFF) % 12
      let (first, second) = (words[Int(bits >> 15 & 15)], words[Int(bits >> 19 & 15)])
      append(
        "/\(section)/\(year)/\(month < 10 ? "0" : "")\(month)/\(first)-\(second)-\(base + number).html"
          .utf8)
    }
  }

  /// The lines of a file.
  init(file path: String, atMost count: Int) {
    guard let file = fopen(path, "r") else { return }
    defer { fclose(file) }
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    while ends.count < count {
      let length = getline(&line, &capacity, file)
      guard length > 0, let line else { break }
      line.withMemoryRebound(to: UInt8.self, capacity: length) {
        append(UnsafeBufferPointer(start: $0, count: length).filter { $0 > 0x20 && $0 < 0x7F })
      }
    }
    free(line)
  }

  private mutating func append(_ key: some Sequence<UInt8>) {
    bytes.append(contentsOf: key)
    if bytes.count > ends.last ?? 0 { ends.append(bytes.count) }
  }

  func withKey<Result>(_ index: Int, _ body: (RawSpan) -> Result) -> Result {
    let start = index == 0 ? 0 : ends[index - 1]
    return body(bytes.span.extracting(start..<ends[index]).bytes)
  }
}

/// The same numbers in each run (SplitMix64).
struct Random {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  mutating func shuffled(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for index in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(index, Int(next() % UInt64(index + 1)))
    }
    return order
  }
}

/// CPU time of the whole process: what else runs on the machine does not count.
struct Stopwatch {
  private let start = nanosecondsNow(CLOCK_PROCESS_CPUTIME_ID)
  var nanoseconds: Double { Double(nanosecondsNow(CLOCK_PROCESS_CPUTIME_ID) - start) }
}

func nanosecondsNow(_ clock: clockid_t = CLOCK_MONOTONIC) -> UInt64 {
  var now = timespec()
  clock_gettime(clock, &now)
  return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// What the process holds in memory now.
func residentBytes() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var size = 0
  var resident = 0
  withUnsafeMutablePointer(to: &size) { size in
    withUnsafeMutablePointer(to: &resident) { resident in
      _ = withVaList([size, resident]) { vfscanf(file, "%ld %ld", $0) }
    }
  }
  return resident * Int(sysconf(Int32(_SC_PAGESIZE)))
}
