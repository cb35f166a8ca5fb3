import Glibc
import Testing

@testable import URLMap

/// A generator whose sequence the seed fixes, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension URLMap {
  @discardableResult
  func learn(_ key: String, at now: UInt32 = 100) -> Bool { learn(Array(key.utf8), at: now) }

  @discardableResult
  func learn(_ key: [UInt8], at now: UInt32 = 100) -> Bool { learn(key.span.bytes, at: now) }

  @discardableResult
  func forget(_ key: String) -> Bool { forget(Array(key.utf8)) }

  @discardableResult
  func forget(_ key: [UInt8]) -> Bool { forget(key.span.bytes) }

  /// As `learn`, but waits for room in the queue.
  func learnPatiently(_ key: [UInt8], at now: UInt32 = 100) {
    while !learn(key, at: now) { waitUntilApplied() }
  }

  func lookup(_ key: String, countingHitAt now: UInt32? = nil) -> MapEntry? {
    makeReader().lookup(Array(key.utf8).span.bytes, countingHitAt: now)
  }

  /// All entries, in the order in which they are walked.
  var allEntries: [(key: [UInt8], entry: MapEntry)] {
    var all: [(key: [UInt8], entry: MapEntry)] = []
    forEachEntry { key, entry in all.append((key.array, entry)) }
    return all
  }

  var allKeys: [String] { allEntries.map { String(decoding: $0.key, as: UTF8.self) } }
}

/// A failed expectation shows what its values hold, and would stop at what cannot be copied.
extension URLMap: CustomReflectable {
  public var customMirror: Mirror { Mirror(self, children: ["urls": count]) }
}

extension MapKeeper: CustomReflectable {
  public var customMirror: Mirror { Mirror(self, children: ["statistics": statistics]) }
}

extension URLMap.Reader {
  borrowing func lookup(_ key: [UInt8], countingHitAt now: UInt32? = nil) -> MapEntry? {
    lookup(key.span.bytes, countingHitAt: now)
  }
}

extension RawSpan {
  var array: [UInt8] { withUnsafeBytes { Array($0) } }
}

/// The order of bytes, a prefix before what it begins.
func isBelow(_ a: [UInt8], _ b: [UInt8]) -> Bool {
  let order = memcmp(a, b, min(a.count, b.count))
  return order != 0 ? order < 0 : a.count < b.count
}

/// A folder of its own under the system's temporary one, removed with everything in it at the end.
final class TemporaryFolder {
  let path: String

  init() {
    var template = Array("/tmp/urlmap-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      fatalError("no temporary folder: \(String(cString: strerror(errno)))")
    }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    chmod(path, 0o755)
  }

  deinit {
    removeAll(path)
  }

  private func removeAll(_ path: String) {
    if let directory = opendir(path) {
      while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name.0) { String(cString: $0) }
        if name != ".", name != ".." { removeAll(path + "/" + name) }
      }
      closedir(directory)
    }
    remove(path)
  }

  subscript(_ name: String) -> String { path + "/" + name }
}

func readFile(_ path: String) -> [UInt8]? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  while case let got = fread(&chunk, 1, chunk.count, file), got > 0 { bytes += chunk[..<got] }
  return bytes
}

func writeFile(_ path: String, _ bytes: [UInt8]) {
  guard let file = fopen(path, "w") else { fatalError("cannot write \(path)") }
  fwrite(bytes, 1, bytes.count, file)
  fclose(file)
}

func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
