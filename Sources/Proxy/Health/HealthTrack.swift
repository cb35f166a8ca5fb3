/// What the checks of one server have come to: a few that agree are needed to change it, so that one lost packet takes no
/// server out and one lucky answer brings none back.
struct HealthTrack: Equatable {
  private enum State: Equatable {
    case unknown
    /// So many have failed since the last that passed.
    case up(failures: Int)
    /// So many have passed since the last that failed.
    case down(passes: Int)
  }

  private let rise: Int
  private let fall: Int
  private var state: State

  /// - Parameter former: what earlier checks have come to.
  init(rise: Int, fall: Int, after former: CheckedHealth = .unchecked) {
    self.rise = rise
    self.fall = fall
    switch former {
    case .unchecked: state = .unknown
    case .up: state = .up(failures: 0)
    case .down: state = .down(passes: 0)
    }
  }

  /// Takes the outcome of the next check; the server's health where that has changed it. The first check decides alone,
  /// as nothing speaks against it.
  mutating func take(passed: Bool) -> CheckedHealth? {
    switch (state, passed) {
    case (.unknown, true), (.up, true):
      let isNews = state == .unknown
      state = .up(failures: 0)
      return isNews ? .up : nil
    case (.unknown, false), (.down, false):
      let isNews = state == .unknown
      state = .down(passes: 0)
      return isNews ? .down : nil
    case (.up(let failures), false):
      state = failures + 1 < fall ? .up(failures: failures + 1) : .down(passes: 0)
    case (.down(let passes), true):
      state = passes + 1 < rise ? .down(passes: passes + 1) : .up(failures: 0)
    }
    switch state {
    case .down(passes: 0): return .down
    case .up(failures: 0): return .up
    case .unknown, .up, .down: return nil
    }
  }
}
