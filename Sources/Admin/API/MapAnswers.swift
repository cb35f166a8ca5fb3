import MapQueries
import URLMap

/// A URL that is known to live on the old server.
struct EntryAnswer: Encodable {
  let url: String
  let learnedAt: UInt32
  /// Nil: not visited since it was learned.
  let lastVisitAt: UInt32?
  let visits: UInt32

  init(_ key: RawSpan, _ entry: MapEntry) {
    url = unsafe key.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    learnedAt = entry.learnedAt
    lastVisitAt = entry.hits > 0 ? entry.lastUsedAt : nil
    visits = entry.hits
  }
}

struct EntriesAnswer: Encodable {
  let entries: [EntryAnswer]
  /// What to give as `after` for the next page; nil on the last.
  let next: String?
}

struct SearchAnswer: Encodable {
  let entries: [EntryAnswer]
  /// Whether all URLs were looked at.
  let complete: Bool
}

struct LookupAnswer: Encodable {
  let key: String
  let entry: EntryAnswer?

  init(_ key: [UInt8], in map: URLMap) {
    self.key = String(decoding: key, as: UTF8.self)
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    let bytes = unsafe key.span.bytes
    entry = map.makeReader().lookup(bytes, countingHitAt: nil).map { EntryAnswer(bytes, $0) }
  }
}

struct RemovedAnswer: Encodable {
  let removed: Int
}

struct TreeAnswer: Encodable {
  struct Child: Encodable {
    let name: String
    let path: String
    let urls: Int
    let visits: UInt64
    let lastVisitAt: UInt32?
    let isDirectory: Bool
  }

  struct Others: Encodable {
    let children: Int
    let urls: Int
    let visits: UInt64
  }

  let prefix: String
  let urls: Int
  let visits: UInt64
  let children: [Child]
  let others: Others?

  init(_ prefix: String, _ level: DirectoryLevel) {
    self.prefix = prefix
    urls = level.urls
    visits = level.visits
    children = level.children.map { child in
      let name = String(decoding: child.name, as: UTF8.self)
      return Child(
        name: name, path: prefix + name, urls: child.urls, visits: child.visits,
        lastVisitAt: child.lastVisitAt, isDirectory: child.isDirectory)
    }
    others =
      level.others.children == 0
      ? nil
      : Others(
        children: level.others.children, urls: level.others.urls, visits: level.others.visits)
  }
}
