import URLMap

/// The URLs by the time that has passed since their last visit.
struct LastVisits: Equatable {
  enum Age: Int, CaseIterable, Sendable {
    case day, week, month, threeMonths, sixMonths, year, older, never

    /// Days before now at which it ends; nil: it has no end.
    fileprivate var days: UInt32? {
      switch self {
      case .day: 1
      case .week: 7
      case .month: 30
      case .threeMonths: 91
      case .sixMonths: 182
      case .year: 365
      case .older, .never: nil
      }
    }
  }

  /// In the order of `Age.allCases`.
  private var tallies = [Tally](repeating: Tally(), count: Age.allCases.count)

  subscript(age: Age) -> Tally { tallies[age.rawValue] }

  /// URLs that were visited within this age or a smaller one.
  func visited(within age: Age) -> Int {
    Age.allCases.prefix { $0.rawValue <= age.rawValue }.reduce(0) { $0 + self[$1].urls }
  }

  mutating func add(_ entry: MapEntry, at now: UInt32) {
    tallies[Self.age(of: entry, at: now).rawValue].add(entry)
  }

  /// A visit that seems to lie in the future, as after a clock was set back, counts as today's.
  static func age(of entry: MapEntry, at now: UInt32) -> Age {
    guard entry.hits > 0 else { return .never }
    let seconds = now > entry.lastUsedAt ? now - entry.lastUsedAt : 0
    return Age.allCases.first { age in age.days.map { seconds < $0 * 86_400 } ?? true } ?? .older
  }
}
