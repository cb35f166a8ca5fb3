import Synchronization

/// What the map, its readers and its writer thread share.
final class MapCore: Sendable {
  let memory: ArenaMemory
  let readers = ReaderRegistry()
  let queue: ChangeQueue
  let counters = Counters()
  /// What has moved to the new site and is not written down yet. Held for the time of a copy.
  let migrations = Locked(MigrationNotes())
  /// Held for a load: one at a time.
  let loading = Locked(())
  /// The writer. Held by the writer thread for a batch of changes at a time, by a load for a batch of its entries, by
  /// the keeper to take the changes for the journal.
  /// Readers never take it; `learn` and `forget` only when it is free.
  let writer: Locked<MapWriter>

  private static let batchChanges = 256
  /// What a caller of `learn` applies itself: a few microseconds' worth, as it may be an event loop.
  private static let ownChanges = 4
  /// How many retired nodes it gives back: far more than its changes retire, so that what has piled up goes.
  private static let ownFrees = 256
  private let wake = Semaphore()
  private let isSleeping = Atomic<Bool>(false)
  private let isStopped = Atomic<Bool>(false)
  private let ended = Atomic<Bool>(false)

  init(_ configuration: URLMap.Configuration) {
    memory = ArenaMemory(reserving: configuration.memoryLimitBytes)
    queue = ChangeQueue(changes: configuration.queueLimit, longestKey: configuration.maxKeyBytes)
    writer = Locked(MapWriter(Trie(memory, readers), counters, maxURLs: configuration.maxURLs))
  }

  /// Any thread: wakes the writer if it sleeps. Never waits.
  func wakeWriter() {
    if isSleeping.load(ordering: .sequentiallyConsistent),
      isSleeping.exchange(false, ordering: .sequentiallyConsistent)
    {
      wake.signal()
    }
  }

  /// Whether no more changes are taken.
  var isStopping: Bool { isStopped.load(ordering: .relaxed) }
  /// Whether the writer thread has ended, or never will run again.
  var hasEnded: Bool { ended.load(ordering: .acquiring) }

  /// Tells the writer thread to end when it has applied what is queued.
  func stop() {
    isStopped.store(true, ordering: .sequentiallyConsistent)
    wakeWriter()
  }

  /// The writer thread's life: applies what is queued, sleeps when nothing is.
  func runWriter() {
    while true {
      if applyBatch() { continue }
      if isStopped.load(ordering: .sequentiallyConsistent) {
        while applyBatch() {}
        ended.store(true, ordering: .releasing)
        return
      }
      // Sleeping is announced before the last look: a change that comes between is seen by one or the other.
      isSleeping.store(true, ordering: .sequentiallyConsistent)
      let mustStay = queue.hasChange || isStopped.load(ordering: .sequentiallyConsistent)
      if mustStay, isSleeping.exchange(false, ordering: .sequentiallyConsistent) { continue }
      wake.wait()
    }
  }

  /// Applies up to a batch of queued changes. False when there were none.
  func applyBatch() -> Bool {
    guard queue.hasChange else { return false }
    writer.withLock { writer in
      var applied = 0
      while applied < MapCore.batchChanges, applyFirst(with: &writer) { applied += 1 }
      writer.settle()
      writer.trie.allocator.makeRoom()
    }
    return true
  }

  /// Applies a few of the queued changes on the calling thread, if nobody else is the writer at the moment, so that a
  /// URL is known when `learn` returns and no thread has to be woken. True when nothing is left in the queue.
  func applyIfFree() -> Bool {
    let isEmpty = writer.withLockIfFree { writer in
      var applied = 0
      while applied < MapCore.ownChanges, writer.trie.allocator.hasRoomAtHand, applyFirst(with: &writer) {
        applied += 1
      }
      writer.settle(freeing: MapCore.ownFrees)
      return !queue.hasChange
    }
    return isEmpty ?? false
  }

  private func applyFirst(with writer: inout MapWriter) -> Bool {
    unsafe queue.popFirst { kind, key, now in
      switch kind {
      case .learn: unsafe writer.learn(key, at: now)
      case .forget: unsafe writer.forget(key, at: now)
      case .filling: break
      }
    }
  }
}
