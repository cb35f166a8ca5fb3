import EventLoop
import MapFormats
import MapQueries
import URLMap

/// The URL map, shown and changed.
struct MapResources: Sendable {
  private static let limits = 1...1000
  /// Keys that one step of a removal takes.
  private static let removedPerStep = 512
  /// How long a search may take, in milliseconds.
  private static let searchMs: UInt64 = 2_000

  let subject: AdminSubject
  private let trees: TreeCache

  init(_ subject: AdminSubject, _ trees: TreeCache) {
    self.subject = subject
    self.trees = trees
  }

  private var map: URLMap { subject.map }

  // MARK: Reading

  /// A page of all entries. A page of a thousand takes well under a millisecond: no need of another thread.
  func entries(_ parameters: inout Parameters) throws(Refusal) -> HTTPServerResponse {
    let prefix = try prefix(&parameters)
    let after = parameters.take("after").map { Array($0.utf8) }
    let limit = try parameters.count("limit", in: Self.limits, default: 100)
    try parameters.end()
    struct Enough: Error {}
    var entries: [EntryAnswer] = []
    var hasMore = false
    do throws(Enough) {
      try map.forEachEntry(withPrefix: prefix, after: after) { key, entry throws(Enough) in
        guard entries.count < limit else {
          hasMore = true
          throw Enough()
        }
        entries.append(EntryAnswer(key, entry))
      }
    } catch {}
    return HTTPServerResponse(json: EntriesAnswer(entries: entries, next: hasMore ? entries.last?.url : nil))
  }

  func lookup(_ parameters: inout Parameters) throws(Refusal) -> HTTPServerResponse {
    let key = try key(&parameters)
    try parameters.end()
    return HTTPServerResponse(json: LookupAnswer(key, in: map))
  }

  func tree(_ parameters: inout Parameters) throws(Refusal) -> @Sendable () -> HTTPServerResponse? {
    let prefix = parameters.take("prefix") ?? (subject.keys.parts.haveHost ? "" : "/")
    let limit = try parameters.count("limit", in: Self.limits, default: 200)
    try parameters.end()
    let isDirectory = prefix.hasSuffix("/") || prefix.isEmpty && subject.keys.parts.haveHost
    guard isDirectory else { throw .badRequest("prefix is a directory: end it with a slash, as in /docs/") }
    return { [trees] in
      HTTPServerResponse(json: TreeAnswer(prefix, trees.level(prefix: Array(prefix.utf8), limit: limit)))
    }
  }

  func top(_ parameters: inout Parameters) throws(Refusal) -> @Sendable () -> HTTPServerResponse? {
    let prefix = try prefix(&parameters)
    let limit = try parameters.count("limit", in: Self.limits, default: 100)
    try parameters.end()
    return { [map] in
      var entries: [EntryAnswer] = []
      Ranking(map: map, prefix: prefix, portion: limit, by: \.hits).forEach(atMost: limit) { key, entry in
        if entry.hits > 0 { entries.append(EntryAnswer(key, entry)) }
      }
      return HTTPServerResponse(json: EntriesAnswer(entries: entries, next: nil))
    }
  }

  func search(_ parameters: inout Parameters) throws(Refusal) -> @Sendable () -> HTTPServerResponse? {
    let text = try parameters.require("q", "q=blog")
    let limit = try parameters.count("limit", in: Self.limits, default: 100)
    try parameters.end()
    let search: URLSearch
    do {
      search = try URLSearch(text)
    } catch {
      throw .badRequest("q: \(error)")
    }
    return { [map] in
      let endMs = EventLoop.monotonicMs() + Self.searchMs
      var entries: [EntryAnswer] = []
      let isComplete = search.forEach(in: map, atMost: limit) {
        entries.append(EntryAnswer($0, $1))
      } mayGoOn: {
        EventLoop.monotonicMs() < endMs
      }
      return HTTPServerResponse(json: SearchAnswer(entries: entries, complete: isComplete))
    }
  }

  // MARK: Changing

  func learn(_ parameters: inout Parameters) throws(Refusal) -> @Sendable () -> HTTPServerResponse? {
    let key = try key(&parameters)
    try parameters.end()
    return { [map, trees] in
      // Bytes have no padding, which is what makes a raw view of other elements unsafe.
      guard unsafe map.learn(key.span.bytes, at: SystemClock.now) else { return Self.queueIsFull.response }
      map.waitUntilApplied()
      trees.clear()
      let answer = LookupAnswer(key, in: map)
      guard answer.entry != nil else {
        return Refusal.busy("the map has no room for it: raise --map-max-urls").response
      }
      return HTTPServerResponse(json: answer)
    }
  }

  func forget(_ parameters: inout Parameters) throws(Refusal) -> @Sendable () -> HTTPServerResponse? {
    let key = try key(&parameters)
    try parameters.end()
    return { [map, trees] in
      let wasKnown = LookupAnswer(key, in: map).entry != nil
      guard unsafe map.forget(key.span.bytes) else { return Self.queueIsFull.response }
      map.waitUntilApplied()
      trees.clear()
      return HTTPServerResponse(json: RemovedAnswer(removed: wasKnown ? 1 : 0))
    }
  }

  func forgetPrefix(_ parameters: inout Parameters) throws(Refusal) -> @Sendable () -> HTTPServerResponse? {
    let prefix = try parameters.require("prefix", "prefix=/docs/")
    let isAll = try parameters.flag("all")
    try parameters.end()
    guard isAll || !["", "/"].contains(prefix) else {
      throw .badRequest("this removes all URLs: write how they begin, as in /docs/, or add all=true")
    }
    let removal = PrefixRemoval(map: map, prefix: Array(prefix.utf8))
    return { [trees] in
      defer { trees.clear() }
      return switch removal.step(Self.removedPerStep) {
      case .more: nil
      case .done(let removed): HTTPServerResponse(json: RemovedAnswer(removed: removed))
      case .stopped: Self.queueIsFull.response
      }
    }
  }

  func snapshot(_ parameters: inout Parameters) throws(Refusal) -> HTTPServerResponse {
    try parameters.end()
    guard let file = subject.mapFile else {
      throw .conflict("the map lives in memory only: give serve --map-file to keep it")
    }
    file.keeper.takeNow()
    return HTTPServerResponse(status: 202, json: ["asked": true])
  }

  private static let queueIsFull = Refusal.busy("too many changes wait for the map: ask again in a second")

  // MARK: Parameters

  private func key(_ parameters: inout Parameters) throws(Refusal) -> [UInt8] {
    let text = try parameters.require("url", "url=/a.html")
    do {
      return try subject.keys.key(parsing: text)
    } catch {
      throw .badRequest("url: \(error)")
    }
  }

  func prefix(_ parameters: inout Parameters) throws(Refusal) -> [UInt8] {
    Array((parameters.take("prefix") ?? "").utf8)
  }
}

/// Removes all URLs that begin alike, some at a time.
private final class PrefixRemoval: Sendable {
  enum Progress {
    case more
    case done(removed: Int)
    /// The map takes no changes any more.
    case stopped
  }

  private let map: URLMap
  private let prefix: [UInt8]
  private let state = Locked((last: [UInt8]?.none, removed: 0))

  init(map: URLMap, prefix: [UInt8]) {
    self.map = map
    self.prefix = prefix
  }

  /// - Parameter most: how many keys are looked at.
  func step(_ most: Int) -> Progress {
    struct Enough: Error {}
    let last = state.withLock { $0.last }
    var keys: [[UInt8]] = []
    var hasMore = false
    do throws(Enough) {
      try map.forEachEntry(withPrefix: prefix, after: last) { key, _ throws(Enough) in
        guard keys.count < most else {
          hasMore = true
          throw Enough()
        }
        keys.append(unsafe key.withUnsafeBytes { unsafe [UInt8]($0) })
      }
    } catch {}
    for key in keys where !forget(key) { return .stopped }
    map.waitUntilApplied()
    return state.withLock { state in
      state.last = keys.last ?? state.last
      state.removed += keys.count
      return hasMore ? .more : .done(removed: state.removed)
    }
  }

  /// A full queue is waited for.
  private func forget(_ key: [UInt8]) -> Bool {
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    if unsafe map.forget(key.span.bytes) { return true }
    map.waitUntilApplied()
    return unsafe map.forget(key.span.bytes)
  }
}
