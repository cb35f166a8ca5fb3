import Glibc
import URLMap

/// One snapshot and the journal behind it, read wholly.
struct FileCheck {
  enum Result {
    case good(LoadReport)
    case missing
    case broken(SnapshotError)
  }

  /// How the keys of a file stand to those of requests.
  struct Keys: Equatable {
    /// Not written as a request's key would be.
    var outdated = 0
    /// Those of them that become one with another when they are.
    var joined = 0
    /// No request can have them.
    var unreachable = 0
  }

  let result: Result
  private(set) var keys = Keys()

  /// - Parameter ignored: the query parameters that requests' keys do not have.
  init(of copy: SnapshotFile.Copy, path: String, ignoring ignored: IgnoredQuery) {
    let map = StoredMap.emptyMap(mapKey: Defaults.mapKey.rawValue)
    var meter = ProgressMeter(loading: path)
    defer { meter.finish() }
    do {
      let report = try SnapshotFile(path: path).read(copy, into: map) { meter.update(doneBytes: $0) }
      result = .good(report)
      keys = Keys(of: map, mapKey: report.mapKey, ignoring: ignored)
    } catch .system(_, _, ENOENT) {
      result = .missing
    } catch {
      result = .broken(error)
    }
  }

  init(ofJournalAlone stored: StoredMap, ignoring ignored: IgnoredQuery) {
    self.init(
      .good(stored.report), Keys(of: stored.map, mapKey: stored.mapKey, ignoring: ignored))
  }

  init(_ result: Result, _ keys: Keys = Keys()) {
    self.result = result
    self.keys = keys
  }
}

extension FileCheck.Keys {
  /// All none for keys of a kind that this version does not know.
  fileprivate init(of map: URLMap, mapKey: String, ignoring ignored: IgnoredQuery) {
    self.init()
    guard let parts = KeyScheme.Parts(rawValue: mapKey) else { return }
    let scheme = KeyScheme(parts, ignoring: ignored)
    let reader = map.makeReader()
    var room: [UInt8] = []
    // Keys to come that no entry has yet.
    var fresh: Set<[UInt8]> = []
    map.forEachEntry { key, _ in
      switch scheme.standing(of: key, writingInto: &room) {
      case .current: break
      case .outdated:
        outdated += 1
        // Bytes have no padding, which is what makes a raw view of other elements unsafe.
        let isTaken = unsafe reader.lookup(room.span.bytes, countingHitAt: nil) != nil
        if isTaken || !fresh.insert(room).inserted { joined += 1 }
      case .unreachable: unreachable += 1
      }
    }
  }
}
