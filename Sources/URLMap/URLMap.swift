import Glibc
import Synchronization

/// The URLs known to live on the old server: read by every event loop without a lock, changed by one writer thread.
///
/// A key is 1 to `maxKeyBytes` bytes of 0x21...0x7E and does not begin with `#` (no request target does, and a
/// line of the snapshot that did would be a comment).
public final class URLMap: Sendable {
  public struct Configuration: Sendable {
    /// The most URLs that are kept, at least 1. A 64th below, the coldest begin to go. A file that holds more is not loaded.
    public var maxURLs: Int
    /// The longest key that is learned, in bytes; at most 32,768.
    public var maxKeyBytes: Int
    /// The most memory that nodes may take, in bytes: at least 2 MiB, at most 8 GiB. Near it, the coldest URLs go
    /// too, so that very long URLs cannot take what `maxURLs` short ones would not. Default: 256 for each of
    /// `maxURLs`, at least 64 MiB.
    public var memoryLimitBytes: Int
    /// How many changes may wait for the writer, rounded up to a power of two. Each takes 64 bytes, and 64 more for
    /// each 64 bytes of its key past the 56th.
    public var queueLimit: Int
    /// What the keys consist of, in the words of `--map-key`: snapshots say it, and a file that says otherwise is
    /// not loaded.
    public var mapKey: String
    /// How requests' keys are made, so that a file's keys that are not made so are made anew when it is loaded. Nil: they
    /// stay as they are.
    public private(set) var keys: KeyScheme?

    /// For a map that requests are looked up in by keys of `keys`.
    public init(maxURLs: Int, keys: KeyScheme) {
      self.init(maxURLs: maxURLs, mapKey: keys.parts.rawValue)
      self.keys = keys
    }

    public init(
      maxURLs: Int = 10_000_000, maxKeyBytes: Int = 8192, memoryLimitBytes: Int? = nil,
      queueLimit: Int = 16_384, mapKey: String = "path-query"
    ) {
      self.maxURLs = maxURLs
      self.maxKeyBytes = maxKeyBytes
      let perURL = maxURLs.multipliedReportingOverflow(by: 256)
      self.memoryLimitBytes = memoryLimitBytes ?? max(64 << 20, perURL.overflow ? .max : perURL.partialValue)
      self.queueLimit = queueLimit
      self.mapKey = mapKey
    }
  }

  /// Figures since the map was made. Each is exact, but they are not all of the same instant.
  public struct Statistics: Sendable, Equatable {
    public var urls: Int
    /// URLs added that were not known.
    public var learned: UInt64
    /// URLs learned again while they were known.
    public var renewed: UInt64
    public var forgotten: UInt64
    /// URLs that went because the map was at its bound.
    public var evicted: UInt64
    /// Visits counted by look-ups.
    public var hits: UInt64
    public var droppedByFullQueue: UInt64
    /// Changes that found no memory within the limit.
    public var droppedByFullMemory: UInt64
    /// Keys that were empty, too long, or held bytes that no URL has.
    public var refusedKeys: UInt64
    /// Bytes of the arena that have ever been used: what the process pays for.
    public var arenaBytes: Int
    /// Those of them that are in use now.
    public var arenaBytesInUse: Int
  }

  let core: MapCore
  /// The longest key that is learned, in bytes.
  public let maxKeyBytes: Int
  let maxURLs: Int
  let mapKey: String
  let keys: KeyScheme?
  private let thread: Locked<Thread?>

  /// Starts the writer thread. Stops the process if the system has no thread or no 4 MiB of addresses left.
  public convenience init(_ configuration: Configuration = .init()) {
    self.init(configuration, startingWriter: true)
  }

  init(_ configuration: Configuration, startingWriter: Bool) {
    var configuration = configuration
    configuration.maxKeyBytes = configuration.maxKeyBytes.clamped(to: 1...32_768)
    configuration.maxURLs = max(1, configuration.maxURLs)
    configuration.queueLimit = configuration.queueLimit.clamped(to: 1...(1 << 24))
    maxKeyBytes = configuration.maxKeyBytes
    maxURLs = configuration.maxURLs
    mapKey = configuration.mapKey
    keys = configuration.keys
    let core = MapCore(configuration)
    self.core = core
    thread = Locked(nil)
    if startingWriter { startWriter() }
  }

  deinit {
    shutdown()
  }

  func startWriter() {
    let core = core
    thread.withLock { thread in
      thread = Thread(name: "map-writer") { core.runWriter() }
      precondition(thread != nil, "the system has no thread left for the URL map's writer")
    }
  }

  /// Applies what is queued, then stops the writer thread, and waits for that. Look-ups go on; `learn` and `forget`
  /// return false from then on. May be called again.
  public func shutdown() {
    core.stop()
    let ended = thread.withLock { $0.take() }
    ended?.join()
  }

  // MARK: Changing

  /// Adds `key`, or renews its `learnedAt` (seconds since 1970) if it is known. From any thread; never waits: the key
  /// is copied into the queue, whose changes are applied in the order of the calls: at once by this thread if nobody
  /// else is changing the map, else by the writer thread a moment later.
  ///
  /// False when nothing will be learned: the key is not one (see `URLMap`), the queue is full, or the map was shut
  /// down; `statistics` counts the first two. O(bytes of the key).
  @discardableResult
  public func learn(_ key: RawSpan, at now: UInt32) -> Bool {
    enqueue(.learn, key, at: now)
  }

  /// Why a URL is forgotten.
  public enum ForgetReason: Sendable {
    /// It is not on the old site any more, or somebody wants it so.
    case gone
    /// The new site has it now: it is written down in the ``MigrationFile``, if the map is kept in a file.
    case migrated
  }

  /// Removes `key` if it is known. Otherwise as `learn`.
  @discardableResult
  public func forget(_ key: RawSpan, because reason: ForgetReason = .gone) -> Bool {
    let now = UInt32(truncatingIfNeeded: time(nil))
    let isTaken = enqueue(.forget, key, at: now)
    if isTaken, reason == .migrated { core.migrations.withLock { $0.append(key, at: now) } }
    return isTaken
  }

  private func enqueue(_ kind: ChangeQueue.Kind, _ key: RawSpan, at now: UInt32) -> Bool {
    guard isKey(key) else {
      core.counters.refusedKeys.add()
      return false
    }
    guard !core.isStopping else { return false }
    guard core.queue.push(kind, key, at: now) else {
      core.counters.droppedByFullQueue.add()
      core.wakeWriter()
      return false
    }
    if !core.applyIfFree() { core.wakeWriter() }
    return true
  }

  /// Whether `key` is one: see `URLMap`.
  func isKey(_ key: RawSpan) -> Bool {
    guard (1...maxKeyBytes).contains(key.byteCount) else { return false }
    return unsafe key.withUnsafeBytes { bytes in
      unsafe bytes[0] != UInt8(ascii: "#") && bytes.allSatisfy { (0x21...0x7E).contains($0) }
    }
  }

  /// Returns when all changes are applied that were queued before the call. For tests, imports and the end; at once
  /// after `shutdown`.
  public func waitUntilApplied() {
    let end = core.queue.end
    while !core.queue.isTaken(upTo: end), !core.hasEnded {
      usleep(100)
    }
    // The last change is taken out of the queue inside its batch; the batch's end has its figures too.
    core.writer.withLock { _ in }
  }

  // MARK: Figures

  /// URLs known now.
  public var count: Int { core.counters.urls.load(ordering: .relaxed) }

  public var statistics: Statistics {
    let counters = core.counters
    return Statistics(
      urls: count,
      learned: counters.learned.load(ordering: .relaxed),
      renewed: counters.renewed.load(ordering: .relaxed),
      forgotten: counters.forgotten.load(ordering: .relaxed),
      evicted: counters.evicted.load(ordering: .relaxed),
      hits: core.readers.visits,
      droppedByFullQueue: counters.droppedByFullQueue.load(ordering: .relaxed),
      droppedByFullMemory: counters.droppedByFullMemory.load(ordering: .relaxed),
      refusedKeys: counters.refusedKeys.load(ordering: .relaxed),
      arenaBytes: counters.arenaBytes.load(ordering: .relaxed),
      arenaBytesInUse: counters.arenaBytesInUse.load(ordering: .relaxed))
  }

  /// Grows with every change of an entry and every visit: two equal values with nothing between mean that a snapshot
  /// taken at the first still holds.
  var changes: UInt64 {
    let counters = core.counters
    return counters.learned.load(ordering: .relaxed) &+ counters.renewed.load(ordering: .relaxed)
      &+ counters.forgotten.load(ordering: .relaxed) &+ counters.evicted.load(ordering: .relaxed)
      &+ core.readers.visits
  }
}
