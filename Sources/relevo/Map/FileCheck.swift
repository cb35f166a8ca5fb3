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
  /// Keys that are not written as a request's key would be.
  private(set) var outdated = 0
  /// Keys that no request can have.
  private(set) var unreachable = 0

  init(of copy: SnapshotFile.Copy, path: String) {
    let map = StoredMap.emptyMap(mapKey: Defaults.mapKey.rawValue)
    var meter = ProgressMeter(loading: path)
    defer { meter.finish() }
    do {
      let report = try SnapshotFile(path: path).read(copy, into: map) { meter.update(doneBytes: $0) }
      result = .good(report)
      compareKeys(of: map, mapKey: report.mapKey)
    } catch .system(_, _, ENOENT) {
      result = .missing
    } catch {
      result = .broken(error)
    }
  }

  init(_ result: Result, outdated: Int = 0, unreachable: Int = 0) {
    self.result = result
    self.outdated = outdated
    self.unreachable = unreachable
  }

  private mutating func compareKeys(of map: URLMap, mapKey: String) {
    guard let parts = KeyScheme.Parts(rawValue: mapKey) else { return }
    // Which parameters serve leaves out is not known here.
    let scheme = KeyScheme(parts, ignoring: .nothing)
    var room: [UInt8] = []
    map.forEachEntry { key, _ in
      switch scheme.standing(of: key, writingInto: &room) {
      case .current: break
      case .outdated: outdated += 1
      case .unreachable: unreachable += 1
      }
    }
  }
}
