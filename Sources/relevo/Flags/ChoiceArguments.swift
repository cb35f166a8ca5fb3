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
extension KeyScheme.Parts: ExpressibleByArgument {}

/// One value of `--ignore-query`: names of query parameters with commas between, or the words for all of them.
struct IgnoreQueryArgument: Sendable, Equatable, CustomStringConvertible {
  let description: String
  /// Empty for `none`.
  let names: [String]

  /// Stands for what is ignored without the flag.
  private static let defaultNames = "default"
  private static let none = "none"

  init(parsing text: String) throws(BadValue) {
    description = text
    if text == Self.none {
      names = []
      return
    }
    names = text.split(separator: ",", omittingEmptySubsequences: false).flatMap { name in
      name == Self.defaultNames ? IgnoredQuery.trackingNames : [String(name)]
    }
    if names.contains(Self.none) { throw BadValue("give none alone, or leave it out") }
    do {
      _ = try IgnoredQuery(names: names)
    } catch {
      throw BadValue("\(error); default, none and * stand for the usual ones, for none and for all")
    }
  }

  /// What all values of the flag add up to.
  static func ignoredQuery(_ arguments: [IgnoreQueryArgument]) throws(CommandFailure) -> IgnoredQuery {
    if arguments.isEmpty { return .tracking }
    let names = arguments.flatMap(\.names)
    if !names.isEmpty, arguments.contains(where: { $0.names.isEmpty }) {
      throw CommandFailure(
        "--ignore-query is none and \(names[0]) at once: give none alone, or leave it out", code: .usage)
    }
    do {
      return try IgnoredQuery(names: names)
    } catch {
      throw CommandFailure("--ignore-query: \(error)", code: .usage)
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
