import Glibc
import URLMap

/// One snapshot and the journal behind it, read wholly.
struct FileCheck {
  enum Result {
    case good(LoadReport)
    case missing
    case broken(SnapshotError)
  }

  let result: Result
  /// Keys that no request is looked up by, as they are not written as its key would be.
  private(set) var unreachable = 0

  init(of copy: SnapshotFile.Copy, path: String) {
    let map = StoredMap.emptyMap(mapKey: Defaults.mapKey.rawValue)
    var meter = ProgressMeter(loading: path)
    defer { meter.finish() }
    do {
      let report = try SnapshotFile(path: path).read(copy, into: map) { meter.update(doneBytes: $0) }
      result = .good(report)
      unreachable = Self.unreachable(in: map, mapKey: report.mapKey)
    } catch .system(_, _, ENOENT) {
      result = .missing
    } catch {
      result = .broken(error)
    }
  }

  init(_ result: Result, unreachable: Int = 0) {
    self.result = result
    self.unreachable = unreachable
  }

  private static func unreachable(in map: URLMap, mapKey: String) -> Int {
    guard let parts = KeyScheme.Parts(rawValue: mapKey) else { return 0 }
    // Which parameters serve leaves out is not known here.
    let scheme = KeyScheme(parts, ignoring: .nothing)
    var room: [UInt8] = []
    var count = 0
    map.forEachEntry { key, _ in
      if !scheme.isKey(key, writingInto: &room) { count += 1 }
    }
    return count
  }
}

extension KeyScheme {
  /// Whether a request has `key`.
  fileprivate func isKey(_ key: RawSpan, writingInto room: inout [UInt8]) -> Bool {
    let bytes = unsafe key.withUnsafeBytes { unsafe [UInt8]($0) }
    let hostEnd = parts.haveHost ? bytes.firstIndex(of: UInt8(ascii: "/")) ?? bytes.count : 0
    let target = key.extracting(hostEnd...)
    return switch self.key(of: target, host: key.extracting(..<hostEnd), writingInto: &room) {
    case .none: false
    case .target(let byteCount): byteCount == target.byteCount
    case .written: room == bytes
    }
  }
}
