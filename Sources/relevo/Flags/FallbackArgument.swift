import HTTP1

/// `--fallback-on`: statuses, and perhaps the word for no answer at all.
struct FallbackArgument: Sendable, CustomStringConvertible {
  /// Stands for a new site of which no server can answer.
  private static let unreachable = "unreachable"
  /// The default: nothing but 404.
  static let miss = FallbackArgument(statusText: StatusesArgument(unchecked: "404"), unreachable: false)

  let statusText: StatusesArgument
  let unreachable: Bool

  private init(statusText: StatusesArgument, unreachable: Bool) {
    self.statusText = statusText
    self.unreachable = unreachable
  }

  init(parsing text: String) throws(BadValue) {
    let elements = text.split(separator: ",", omittingEmptySubsequences: false)
    let statuses = elements.filter { $0.split(separator: " ") != [Self.unreachable[...]] }
    unreachable = statuses.count < elements.count
    if statuses.isEmpty {
      throw BadValue("name the statuses of a miss beside it, as in 404,\(Self.unreachable)")
    }
    statusText = try StatusesArgument(parsing: statuses.joined(separator: ","))
  }

  func statuses() throws(StatusSetError) -> StatusSet { try statusText.statuses() }

  var description: String { unreachable ? "\(statusText),\(Self.unreachable)" : "\(statusText)" }
}
