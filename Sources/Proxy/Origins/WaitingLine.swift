/// The requests of one worker that wait for a place at a server of one site, the longest waiting first.
///
/// Each has the next number as its ticket. Any of them may leave at any time.
struct WaitingLine<Waiter> {
  private var waiters: [UInt64: Waiter] = [:]
  /// No ticket before it is in use.
  private var first: UInt64 = 0
  private var end: UInt64 = 0

  var isEmpty: Bool { waiters.isEmpty }
  var count: Int { waiters.count }

  /// The new last one's ticket.
  mutating func append(_ waiter: Waiter) -> UInt64 {
    waiters[end] = waiter
    end += 1
    return end - 1
  }

  /// Takes one out; nil when it has left.
  @discardableResult
  mutating func remove(_ ticket: UInt64) -> Waiter? {
    let waiter = waiters.removeValue(forKey: ticket)
    if waiters.isEmpty { first = end }
    while first < end, waiters[first] == nil { first += 1 }
    return waiter
  }

  /// The first one whose ticket is not before `ticket`.
  func next(from ticket: UInt64) -> (ticket: UInt64, waiter: Waiter)? {
    var ticket = max(ticket, first)
    while ticket < end {
      if let waiter = waiters[ticket] { return (ticket, waiter) }
      ticket += 1
    }
    return nil
  }
}
