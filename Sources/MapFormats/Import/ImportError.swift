import Glibc

/// A line that is not taken.
public struct ImportProblem: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file, or `standard input`.
  public var file: String
  /// From 1; 0 for the file as a whole.
  public var line: Int
  public var reason: String

  public var description: String {
    line == 0 ? "\(file): \(reason)" : "\(file), line \(line): \(reason)"
  }
}

/// Why an import ended before its end.
public enum ImportError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A system call failed: what was to be done, and errno.
  case system(path: String, action: String, code: Int32)
  /// The first problem of a strict import.
  case refused(ImportProblem)
  /// The URLs do not fit into the map.
  case outOfMemory

  public var description: String {
    switch self {
    case .system(let path, let action, let code):
      "\(path): cannot \(action): \(unsafe String(cString: strerror(code)))"
    case .refused(let problem): problem.description
    case .outOfMemory: "the URLs do not fit into the map's memory"
    }
  }
}
