import Logging
import Synchronization

/// How much the log tells, for all who have a part of it. Any thread may use it.
final class LogThreshold: Sendable {
  /// A place in the levels, which go from all to nearly nothing.
  private let place: Atomic<Int>

  init(_ level: Logger.Level) {
    place = Atomic(Self.place(of: level))
  }

  var level: Logger.Level { Logger.Level.allCases[place.load(ordering: .relaxed)] }

  func set(_ level: Logger.Level) { place.store(Self.place(of: level), ordering: .relaxed) }

  private static func place(of level: Logger.Level) -> Int {
    Logger.Level.allCases.firstIndex(of: level) ?? 0
  }
}
