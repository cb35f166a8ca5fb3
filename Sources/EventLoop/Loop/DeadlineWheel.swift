/// Deadlines of sockets, to the nearest tick.
///
/// A hashed timing wheel (Varghese and Lauck, 1987) with one liberty: putting a deadline off is one store.
/// The socket stays in the slot it was in and is moved on when that slot comes round, so a busy keep-alive
/// connection never pays for its timers.
///
///     slot = (deadline / tick) mod slots        slots × tick = one round, 25.6 s
struct DeadlineWheel {
  static let tickMs: UInt64 = 50
  private static let slotCount = 512

  private var slots: [StreamSocket?] = Array(repeating: nil, count: slotCount)
  private var current: UInt64 = 0
  private var count = 0

  /// The time of the last tick, in milliseconds.
  var nowMs: UInt64 = 0 {
    didSet { current = max(current, nowMs / Self.tickMs) }
  }
  var isEmpty: Bool { count == 0 }

  mutating func set(_ socket: StreamSocket, deadlineMs: UInt64) {
    socket.deadlineMs = deadlineMs
    if socket.slotTick != 0 {
      if socket.slotTick <= deadlineMs / Self.tickMs + 1 { return }
      unlink(socket)
    }
    link(socket)
  }

  mutating func remove(_ socket: StreamSocket) {
    if socket.slotTick != 0 { unlink(socket) }
    socket.deadlineMs = .max
  }

  /// Moves the clock and gives back the sockets whose deadline has passed.
  mutating func advance(toMs now: UInt64) -> [StreamSocket] {
    var due: [StreamSocket] = []
    let target = now / Self.tickMs
    // After a long stop each slot is looked at once, not once for each tick missed.
    var tick = max(current, target >= UInt64(Self.slotCount) ? target - UInt64(Self.slotCount) + 1 : 0)
    nowMs = now
    while tick <= target {
      expire(slot: Int(tick % UInt64(Self.slotCount)), nowMs: now, into: &due)
      tick += 1
    }
    current = max(current, target + 1)
    return due
  }

  private mutating func expire(slot: Int, nowMs now: UInt64, into due: inout [StreamSocket]) {
    var next = slots[slot]
    while let socket = next {
      next = socket.wheelNext
      if socket.slotTick > now / Self.tickMs { continue }
      unlink(socket)
      if socket.deadlineMs <= now {
        due.append(socket)
      } else if socket.deadlineMs != .max {
        link(socket)
      }
    }
  }

  /// A deadline past this round waits in the slot furthest away and is put on from there.
  private mutating func link(_ socket: StreamSocket) {
    let furthest = current + UInt64(Self.slotCount) - 1
    // Rounded up: a deadline may come late by a tick, never early.
    let tick = min(max(socket.deadlineMs / Self.tickMs + 1, current), furthest)
    let slot = Int(tick % UInt64(Self.slotCount))
    socket.slotTick = max(tick, 1)
    unsafe socket.wheelPrevious = nil
    let next = slots[slot].take()
    unsafe next?.wheelPrevious = socket
    socket.wheelNext = next
    slots[slot] = socket
    count += 1
  }

  private mutating func unlink(_ socket: StreamSocket) {
    let slot = Int(socket.slotTick % UInt64(Self.slotCount))
    let next = socket.wheelNext.take()
    unsafe next?.wheelPrevious = unsafe socket.wheelPrevious
    if let previous = unsafe socket.wheelPrevious {
      previous.wheelNext = next
    } else {
      slots[slot] = next
    }
    unsafe socket.wheelPrevious = nil
    socket.slotTick = 0
    count -= 1
  }
}
