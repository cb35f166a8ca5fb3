import ArgumentParser
import MapFormats
import MapQueries
import URLMap

/// `relevo map lookup`.
struct LookupCommand: MapSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "lookup",
    abstract: "Tells whether a URL is known, and what would happen to a request for it.",
    usage: "relevo map lookup URL --map-file FILE [flags]",
    discussion: """
      The answer is that of the file: what a running Relevo has counted since it last
      wrote is missing. What would happen to a request depends on flags of serve:
      give the same ones, or let their variables (RELEVO_ALWAYS_NEW and so on) be
      set. The exit code is 0 if the URL is known and 1 if it is not.

        relevo map lookup '/page.php?id=7' --map-file urls.map
        relevo map lookup https://www.example.com/a.html --map-file urls.map
        relevo map lookup /css/a.css --map-file urls.map --always-old /css/
      """)

  static let flagsFromEnvironment = PathRuleFlags.names.union([
    "map-file", "ignore-query", "map-recheck-after",
  ])

  @Argument(
    help: "A path with its query, or an absolute URL.", transform: RequestedURL.init(parsing:))
  var url: RequestedURL

  @OptionGroup var file: MapFileFlags
  @OptionGroup var keys: KeyFlags
  @OptionGroup var rules: PathRuleFlags

  @Option(
    help: .flag(
      "The age that serve was given with the same flag, from 10ms to 8760h.", value: "time",
      default: Defaults.mapRecheckAfter),
    transform: DurationArgument.from(.milliseconds(10), to: .hours(8760)))
  var mapRecheckAfter = Defaults.mapRecheckAfter

  func run() throws {
    let rule = try rules.rules().site(for: url)
    let stored = try file.load()
    let key: [UInt8]
    do {
      key = try keys.scheme(mapKey: stored.mapKey).key(of: url)
    } catch let error as BadURL {
      throw CommandFailure(error.description, code: .usage)
    }
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    let entry = unsafe stored.map.makeReader().lookup(key.span.bytes, countingHitAt: nil)
    let answer = LookupAnswer(
      key: key, entry: entry, rule: rule,
      recheckAge: RecheckAge(meanSeconds: UInt32(clamping: mapRecheckAfter.milliseconds / 1000)),
      now: SystemClock.now)
    var output = LineOutput()
    for line in answer.lines { try output.append(line + "\n") }
    try output.flush()
    if entry == nil { throw ExitCode(1) }
  }
}

/// What `relevo map lookup` prints.
struct LookupAnswer {
  let key: [UInt8]
  /// Nil: the URL is not known.
  let entry: MapEntry?
  /// What serve is told of the path; nil: nothing.
  let rule: PathRule.Site?
  let recheckAge: RecheckAge
  /// Seconds since 1970.
  let now: UInt32

  var lines: [String] {
    let keyLine = "key       \(String(decoding: key, as: UTF8.self))"
    guard let entry else { return [keyLine, "known     no", "request   \(fate(of: nil))"] }
    return [
      keyLine, "known     since \(Timestamp(entry.learnedAt)), \(age(of: entry.learnedAt))",
      visits(of: entry),
      "request   \(fate(of: entry))",
    ]
  }

  private func visits(of entry: MapEntry) -> String {
    guard entry.hits > 0 else { return "visits    none since then" }
    let last = Timestamp(entry.lastUsedAt)
    return "visits    \(Figures.count(Int(entry.hits))), the last \(last), \(age(of: entry.lastUsedAt))"
  }

  private func fate(of entry: MapEntry?) -> String {
    switch rule {
    case .alwaysNew: return "asks the new site and never the old one: there is an always-new for it"
    case .alwaysOld:
      return
        "asks the old site first, and the new one if that does not have it: there is an always-old for it"
    case nil: break
    }
    guard let entry else { return "asks the new site first, and the old one if that does not have it" }
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    let due = unsafe UInt64(entry.learnedAt) + recheckAge.seconds(of: key.span.bytes)
    if now >= due { return "asks the new site once more, and the old one if that still does not have it" }
    guard let due = UInt32(exactly: due) else { return "goes to the old site at once" }
    return "goes to the old site at once; from \(Timestamp(due)) on, the next one asks the new site once more"
  }

  private func age(of time: UInt32) -> String {
    "\(Figures.age(seconds: Int(now) - Int(time))) ago"
  }
}

extension PathRules {
  /// What holds for a request for `url`.
  fileprivate func site(for url: RequestedURL) -> PathRule.Site? {
    let target = Array(url.target)
    var room: [UInt8] = []
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    return unsafe site(for: target.span.bytes, room: &room)
  }
}
