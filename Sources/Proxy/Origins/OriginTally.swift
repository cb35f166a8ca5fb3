import Synchronization

/// What one worker has done with one server. The worker alone writes it, by plain loads and stores; any thread reads it.
///
/// On cache lines of its own, so that counting on one worker costs the others nothing.
final class OriginTally: Sendable {
  private let before = InlineArray<16, UInt64>(repeating: 0)
  /// Requests that have a connection to the server now, and upgraded connections.
  let inFlight = Counter()
  /// Requests handed to the server so far.
  let requests = Counter()
  /// Attempts that failed: no connection, a broken one, no answer in time, a malformed one.
  let failures = Counter()
  private let after = InlineArray<16, UInt64>(repeating: 0)
}
