import ArgumentParser
import HTTP1
import Logging
import Proxy
import URLMap

/// A set of statuses beside the text that it was read from.
struct StatusesArgument: Sendable, CustomStringConvertible {
  let description: String

  /// A default: text that ``statuses`` can read.
  init(unchecked text: String) {
    description = text
  }

  init(parsing text: String) throws(BadValue) {
    do {
      _ = try StatusSet(parsing: text)
    } catch {
      throw BadValue(
        "\(error.problem): write statuses, classes or ranges with commas between, as in 404,410 or 4xx")
    }
    description = text
  }

  func statuses() throws(StatusSetError) -> StatusSet {
    try StatusSet(parsing: description)
  }
}

/// The path of a file that need not exist yet.
struct PathArgument: Sendable, CustomStringConvertible {
  let description: String

  init(parsing text: String) throws(BadValue) {
    if text.isEmpty || text.hasSuffix("/") { throw BadValue("name a file, as in /var/lib/relevo/urls.map") }
    description = text
  }
}

/// `--map-key`.
enum MapKeyArgument: String, CaseIterable, ExpressibleByArgument {
  case pathQuery = "path-query"
  case path

  var mapKey: MapKey {
    switch self {
    case .pathQuery: .pathAndQuery
    case .path: .path
    }
  }
}

/// `--access-log`.
enum AccessLogArgument: Equatable, Sendable, CustomStringConvertible {
  case off
  case standardOutput
  case file(path: String)

  init(parsing text: String) throws(BadValue) {
    switch text {
    case "off": self = .off
    case "-": self = .standardOutput
    default: self = .file(path: try PathArgument(parsing: text).description)
    }
  }

  var description: String {
    switch self {
    case .off: "off"
    case .standardOutput: "-"
    case .file(let path): path
    }
  }

  var destination: AccessLog.Destination? {
    switch self {
    case .off: nil
    case .standardOutput: .standardOutput
    case .file(let path): .file(path)
    }
  }
}

/// `--log-level`.
enum LogLevelArgument: String, CaseIterable, ExpressibleByArgument {
  case trace, debug, info, warning, error

  var level: Logger.Level {
    switch self {
    case .trace: .trace
    case .debug: .debug
    case .info: .info
    case .warning: .warning
    case .error: .error
    }
  }
}
