import EventLoop

/// The flags that are in force, and how the last attempt to change them went. Any thread may use it.
public final class SettingsInForce: Sendable {
  /// What the metrics tell of reloads.
  struct LastReload: Sendable, Equatable {
    var wasSuccessful: Bool
    /// When the settings in force were taken, in seconds since 1970.
    var successAt: UInt32
  }

  private struct State: Sendable {
    var flags: [String: String?]
    var reload: LastReload
  }

  private let state: Locked<State>

  /// - Parameters:
  ///   - flags: with their hyphens, and their values; nil where there is none.
  ///   - now: seconds since 1970.
  public init(_ flags: [String: String?], at now: UInt32) {
    state = Locked(State(flags: flags, reload: LastReload(wasSuccessful: true, successAt: now)))
  }

  public var flags: [String: String?] { state.withLock { $0.flags } }

  var lastReload: LastReload { state.withLock { $0.reload } }

  /// Others are in force.
  public func change(to flags: [String: String?], at now: UInt32) {
    state.withLock { $0 = State(flags: flags, reload: LastReload(wasSuccessful: true, successAt: now)) }
  }

  /// Others were given and can't be used: all stays as it is.
  public func changeFailed() {
    state.withLock { $0.reload.wasSuccessful = false }
  }
}
