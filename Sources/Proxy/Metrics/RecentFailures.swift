import EventLoop

/// Something that went wrong, as the log told it or would have, had it not come too often.
public struct RecentFailure: Sendable, Equatable {
  /// Seconds since 1970.
  public var at: UInt32
  /// The kind of failure, in words with hyphens: `origin-failed`.
  public var event: String
  /// What happened and what helps, in the words of the log: the same for each event.
  public var message: String
  /// What it was this time; nil when the message says all.
  public var cause: String?
  /// The address of the server that it was about.
  public var origin: String?
  public var site: Site?
  /// Path and query of the request that met it, cut after 512 bytes.
  public var url: String?
}

/// The newest failures of one worker.
final class RecentFailures: Sendable {
  private struct Facts: Sendable {
    var at: UInt32
    var event: ReportedEvent
    var site: Site?
  }

  private enum Text: Int { case cause, origin, url }
  private static let limits = [256, 64, 512]

  private let ring: EventRing<Facts>

  init(capacity: Int) {
    ring = EventRing(capacity: capacity, limits: Self.limits)
  }

  func keep(
    _ event: ReportedEvent, at seconds: UInt32, atUs: UInt64, server: OriginServer?, cause: String,
    url: String
  ) {
    let facts = Facts(at: seconds, event: event, site: server?.state.site)
    ring.keep(facts, atUs: atUs) { texts in
      if !cause.isEmpty { texts.set(Text.cause.rawValue, cause.utf8) }
      if let server { texts.set(Text.origin.rawValue, server.label.array) }
      if !url.isEmpty { texts.set(Text.url.rawValue, url.utf8) }
    }
  }

  func newest(_ limit: Int) -> [(atUs: UInt64, RecentFailure)] {
    ring.newest(limit).map { event in
      func text(_ text: Text) -> String? { event.texts[text.rawValue] }
      return (
        event.atUs,
        RecentFailure(
          at: event.facts.at, event: event.facts.event.name, message: event.facts.event.sentence,
          cause: text(.cause), origin: text(.origin), site: event.facts.site, url: text(.url))
      )
    }
  }
}
