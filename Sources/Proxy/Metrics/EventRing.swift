import EventLoop
import HTTP1

/// The newest events of one kind on one worker, in memory of a fixed size: each takes the place of the oldest.
///
/// An event is a few facts and a few texts. Each text has its room in its event's slot and is cut where that ends, so that
/// keeping an event allocates nothing. Any thread reads; the lock is held for one event at a time.
///
///     texts:  | slot 0: text 0, text 1 … | slot 1: text 0, text 1 … | …
final class EventRing<Facts: Sendable>: Sendable {
  /// What is kept of an event.
  struct Event {
    /// When it came, on the clock of ``EventLoop/EventLoop/monotonicUs()``.
    var atUs: UInt64
    var facts: Facts
    /// In the order of the limits; nil where none was set.
    var texts: [String?]
  }

  /// The memory, as who keeps an event sees it.
  struct Slots {
    private let capacity: Int
    private let limits: [Int]
    private let slotBytes: Int
    private var facts: [(atUs: UInt64, facts: Facts)] = []
    private var bytes: [UInt8]
    /// Of each text of each slot; -1 for none.
    private var lengths: [Int]
    /// Events kept since the start; the last of them is the one that is being kept.
    fileprivate private(set) var count = 0

    fileprivate init(capacity: Int, limits: [Int]) {
      self.capacity = capacity
      self.limits = limits
      slotBytes = limits.reduce(0, +)
      facts.reserveCapacity(capacity)
      bytes = [UInt8](repeating: 0, count: capacity * slotBytes)
      lengths = [Int](repeating: -1, count: capacity * limits.count)
    }

    fileprivate mutating func begin(_ event: Facts, atUs: UInt64) {
      let slot = count % capacity
      if slot < facts.count { facts[slot] = (atUs, event) } else { facts.append((atUs, event)) }
      for text in limits.indices { lengths[slot * limits.count + text] = -1 }
      count += 1
    }

    /// Sets a text, given by its place in the limits, of the event that is being kept.
    mutating func set(_ text: Int, _ value: some Sequence<UInt8>) {
      let slot = (count - 1) % capacity
      let start = slot * slotBytes + limits[..<text].reduce(0, +)
      var end = start
      for byte in value.prefix(limits[text]) {
        bytes[end] = byte
        end += 1
      }
      lengths[slot * limits.count + text] = end - start
    }

    /// The event of that number, counted from the start; nil when another has its place by now.
    fileprivate func event(_ number: Int) -> Event? {
      guard number >= 0, number < count, number >= count - capacity else { return nil }
      let slot = number % capacity
      var start = slot * slotBytes
      var texts: [String?] = []
      for (text, limit) in limits.enumerated() {
        let length = lengths[slot * limits.count + text]
        texts.append(
          length < 0 ? nil : String(decoding: bytes[start..<start + length], as: UTF8.self))
        start += limit
      }
      return Event(atUs: facts[slot].atUs, facts: facts[slot].facts, texts: texts)
    }
  }

  private let slots: Locked<Slots>

  /// - Parameters:
  ///   - capacity: how many events are kept; 1 at least.
  ///   - limits: the most bytes of each text.
  init(capacity: Int, limits: [Int]) {
    slots = Locked(Slots(capacity: max(1, capacity), limits: limits))
  }

  /// Keeps an event, whose texts `setTexts` sets.
  func keep(_ facts: Facts, atUs: UInt64, setTexts: (inout Slots) -> Void) {
    slots.withLock { slots in
      slots.begin(facts, atUs: atUs)
      setTexts(&slots)
    }
  }

  /// The newest events, the newest first.
  func newest(_ limit: Int) -> [Event] {
    var events: [Event] = []
    var number = slots.withLock { $0.count } - 1
    while events.count < limit, let event = slots.withLock({ $0.event(number) }) {
      events.append(event)
      number -= 1
    }
    return events
  }
}
