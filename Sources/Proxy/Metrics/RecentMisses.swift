import EventLoop

/// Why a URL counts as one that neither site has.
public enum MissReason: String, Sendable, CaseIterable {
  /// Both were asked.
  case bothMissed = "both-missed"
  /// The new pool was asked; both had missed the URL a moment ago.
  case doubleMiss = "double-miss"
  /// Both were asked; that the old server misses it was not said by its status.
  case softMiss = "soft-miss"
}

/// A request for what neither site has.
public struct RecentMiss: Sendable, Equatable {
  /// Seconds since 1970.
  public var at: UInt32
  public var method: String
  /// As the client named it; empty when it did not.
  public var host: String
  /// Path and query as sent, cut after 512 bytes.
  public var url: String
  /// What the new pool answered; nil when it was not asked or did not answer.
  public var newStatus: UInt16?
  /// What the old server answered; nil when it was not asked or did not answer.
  public var oldStatus: UInt16?
  /// The page that has the link, cut after 256 bytes.
  public var referer: String?
  public var reason: MissReason
}

/// The newest misses of one worker.
final class RecentMisses: Sendable {
  struct Facts: Sendable {
    var at: UInt32
    var newStatus: UInt16?
    var oldStatus: UInt16?
    var reason: MissReason
  }

  private enum Text: Int { case method, host, url, referer }
  private static let limits = [16, 128, 512, 256]

  private let ring: EventRing<Facts>

  init(capacity: Int) {
    ring = EventRing(capacity: capacity, limits: Self.limits)
  }

  func keep(
    _ facts: Facts, atUs: UInt64, method: some Sequence<UInt8>, host: some Sequence<UInt8>,
    url: some Sequence<UInt8>, referer: (some Sequence<UInt8>)?
  ) {
    ring.keep(facts, atUs: atUs) { texts in
      texts.set(Text.method.rawValue, method)
      texts.set(Text.host.rawValue, host)
      texts.set(Text.url.rawValue, url)
      if let referer { texts.set(Text.referer.rawValue, referer) }
    }
  }

  func newest(_ limit: Int) -> [(atUs: UInt64, RecentMiss)] {
    ring.newest(limit).map { event in
      func text(_ text: Text) -> String? { event.texts[text.rawValue] }
      return (
        event.atUs,
        RecentMiss(
          at: event.facts.at, method: text(.method) ?? "", host: text(.host) ?? "", url: text(.url) ?? "",
          newStatus: event.facts.newStatus, oldStatus: event.facts.oldStatus, referer: text(.referer),
          reason: event.facts.reason)
      )
    }
  }
}
