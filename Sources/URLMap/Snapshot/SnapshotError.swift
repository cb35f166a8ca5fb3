import Glibc

/// Why a snapshot could not be written or read; `description` is the sentence for the operator.
public enum SnapshotError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file is not a whole snapshot: the first line that shows it, from 1, and what is wrong with it.
  case refused(path: String, line: Int, reason: String)
  /// A segment of the journal is broken from this line on, and was used up to it.
  case journalBroken(path: String, line: Int, reason: String)
  /// A system call failed: what was to be done, and errno.
  case system(path: String, action: String, code: Int32)
  /// The path is a device's, a pipe's or a socket's.
  case noRegularFile(path: String)
  /// The URLs do not fit into the map's memory limit.
  case outOfMemory(path: String, limitBytes: Int)
  /// The file and its journal hold more URLs than the map may keep: some would be lost.
  case tooManyURLs(path: String, urls: Int, limit: Int)
  /// A process owns the map file; its id, if it could be told.
  case locked(path: String, holder: Int32?)
  /// The file's keys were made in another way than the map's: they would never be found.
  case otherMapKey(path: String, file: String, map: String)
  /// There is a journal, but not the snapshot that it continues.
  case snapshotMissing(path: String, journal: String)
  /// The load was broken off, as the process is to end.
  case interrupted(path: String)
  /// Neither the snapshot nor the one before it can be used.
  indirect case noneUsable(current: SnapshotError, previous: SnapshotError)

  public var description: String {
    switch self {
    case .refused(let path, let line, let reason):
      return "\(path), line \(line): \(reason); the file is broken and was not loaded"
    case .journalBroken(let path, let line, let reason):
      return "\(path), line \(line): \(reason); the journal is broken there, what stands above was used"
    case .system(let path, let action, let code):
      return "\(path): cannot \(action): \(unsafe String(cString: strerror(code)))"
    case .noRegularFile(let path):
      return
        "\(path) is no regular file: name one, as in /var/lib/relevo/urls.map, or leave --map-file out to keep "
        + "the map in memory only"
    case .outOfMemory(let path, let limitBytes):
      return "\(path): its URLs do not fit into the map's limit of \(limitBytes) bytes"
    case .tooManyURLs(let path, let urls, let limit):
      return
        "\(path) holds \(urls) URLs and --map-max-urls keeps \(limit): start with --map-max-urls \(urls) or more, "
        + "or take some out first with relevo map remove"
    case .locked(let path, let holder):
      let owner = holder.map { "process \($0)" } ?? "another process"
      return "\(path) is in use by \(owner): one Relevo at a time keeps a map file, stop that one or give "
        + "another file"
    case .otherMapKey(let path, let file, let map):
      return "\(path) was made with --map-key \(file), not \(map): give --map-key \(file), or move the file "
        + "away to begin with an empty map"
    case .snapshotMissing(let path, let journal):
      return
        "\(path) is not there, but \(journal), which continues it: put a copy of the map file in place, or move "
        + "the journal away to begin with an empty map"
    case .interrupted(let path):
      return "\(path): the load was broken off"
    case .noneUsable(let current, let previous):
      return "no usable URL map: \(current); and the one before it: \(previous). "
        + "Put a good copy in place, or move both files away to begin with an empty map"
    }
  }

  /// What to do about a system call that failed; nil where its own words say it, and for other errors.
  public var remedy: String? {
    guard case .system(_, _, let code) = self else { return nil }
    return switch code {
    case ENOSPC, EDQUOT: "make room on that disk"
    case EFBIG: "raise the limit on the size of files (ulimit -f, LimitFSIZE=)"
    case EROFS: "mount it writable, or choose another folder"
    case EACCES, EPERM: "let the user that Relevo runs as write there"
    case ENOENT: "make the folder, where that user may write"
    case ENOTDIR: "name a file in a folder"
    case EISDIR: "name a file in that folder"
    default: nil
    }
  }

  /// Whether the file is not there at all.
  var isMissing: Bool {
    if case .system(_, _, ENOENT) = self { return true }
    return false
  }
}

/// What was written.
public struct SnapshotReport: Sendable, Equatable {
  public var path: String
  public var urls: Int
  public var bytes: Int
  public var duration: Duration
}

/// What was loaded.
public struct LoadReport: Sendable, Equatable {
  public enum Source: Sendable, Equatable {
    /// The snapshot itself.
    case current
    /// The one before it, because the snapshot could not be used.
    case previous
    /// There is no snapshot: the map begins empty, but for what a journal holds.
    case none
  }

  public var source: Source
  /// The file that was loaded; the snapshot's path if there is none.
  public var path: String
  /// What the file's keys consist of, as `--map-key` says it; the map's own if there is no file.
  public var mapKey: String
  /// The URLs of the snapshot and its journal.
  public var urls: Int
  public var duration: Duration
  /// With `previous`: why the snapshot could not be used.
  public var refused: SnapshotError?
  /// What had changed since the snapshot.
  public var journal = JournalReport()
  /// URLs whose keys were not as the map's ``KeyScheme`` makes them, and are now.
  public var remade = 0
  /// The first line of the snapshot whose URL is not above the one before it; the load takes longer from there on.
  public var unorderedLine: Int?
}
