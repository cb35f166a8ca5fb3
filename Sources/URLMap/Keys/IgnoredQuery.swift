/// The query parameters that are no part of a key: those that name a visitor or a campaign and no page. The origins
/// get them all the same.
public struct IgnoredQuery: Sendable, Equatable {
  /// How much of a query is ignored.
  enum Extent: Sendable, Equatable {
    case nothing, parameters, everything
  }

  let extent: Extent
  private let patterns: [Pattern]
  /// Where the patterns that begin with a byte start, for 0 to 128; they end where the next byte's start.
  private let starts: [Int]

  /// Every parameter belongs to the key.
  public static let nothing = IgnoredQuery([], .nothing)
  /// No query belongs to a key.
  public static let everything = IgnoredQuery([], .everything)
  /// What advertisers and mailing services add to links.
  public static let tracking = IgnoredQuery(trackingNames.compactMap(Pattern.init), .parameters)

  /// The names that ``tracking`` ignores.
  public static let trackingNames = [
    "utm_*", "mtm_*", "gclid", "gclsrc", "dclid", "wbraid", "gbraid", "gad_source", "gad_campaignid",
    "srsltid",
    "_ga", "_gl", "fbclid", "msclkid", "mc_cid", "mc_eid", "yclid", "ysclid", "ymclid", "_openstat", "twclid",
    "ttclid", "igshid", "igsh", "li_fat_id", "epik", "rdt_cid", "ScCid", "__hsfp", "__hssc", "__hstc",
    "_hsenc",
    "_hsmi", "hsCtaTracking", "mkt_tok", "oly_anon_id", "oly_enc_id", "vero_id", "vero_conv", "wickedid",
    "_branch_match_id",
  ]

  /// Ignores the parameters of these names, in their case. `utm_*` stands for every name that begins so, `*` for the
  /// whole query. An empty list is ``nothing``.
  ///
  /// - Throws: the first name that is none: empty, with a `*` elsewhere than at its end, or with a byte that separates
  ///   parameters or that no request target holds.
  public init(names: [String]) throws(BadParameterName) {
    var patterns: [Pattern] = []
    for name in names where name != "*" {
      guard let pattern = Pattern(name) else { throw BadParameterName(name: name) }
      patterns.append(pattern)
    }
    self.init(patterns, names.contains("*") ? .everything : patterns.isEmpty ? .nothing : .parameters)
  }

  private init(_ patterns: [Pattern], _ extent: Extent) {
    self.extent = extent
    let sorted = Set(extent == .everything ? [] : patterns).sorted()
    self.patterns = sorted
    starts = (0...128).map { initial in sorted.count { Int($0.initial) < initial } }
  }

  /// Whether a parameter of `query` is ignored. A name that is written with percent-encodings is not recognized.
  func ignoresAny(of query: RawSpan) -> Bool {
    guard extent == .parameters else { return extent == .everything }
    var parameters = Parameters(startingAt: 0)
    while let parameter = parameters.next(in: query) {
      if ignores(query.extracting(parameter.name)) { return true }
    }
    return false
  }

  /// Takes the ignored parameters out of the first query in `key` at or behind `start`, and its question mark if
  /// nothing is left behind that. A name that is written with percent-encodings is not recognized.
  func remove(from key: inout [UInt8], behind start: Int) {
    guard extent == .parameters, let questionMark = key[start...].firstIndex(of: .questionMark) else {
      return
    }
    let queryStart = questionMark + 1
    var keptEnd = queryStart
    var hasKept = false
    var parameters = Parameters(startingAt: queryStart)
    // What is kept never ends behind the parameter that is looked at.
    while let parameter = unsafe parameters.next(in: key.span.bytes) {
      if unsafe ignores(key.span.bytes.extracting(parameter.name)) { continue }
      if hasKept {
        key[keptEnd] = .ampersand
        keptEnd += 1
      }
      for index in parameter.whole {
        key[keptEnd] = key[index]
        keptEnd += 1
      }
      hasKept = true
    }
    guard keptEnd < key.count else { return }
    key.removeSubrange((keptEnd == queryStart ? questionMark : keptEnd)...)
  }

  private func ignores(_ name: RawSpan) -> Bool {
    guard name.byteCount > 0 else { return false }
    let initial = Int(name.byte(at: 0) & 0x7F)
    return patterns[starts[initial]..<starts[initial + 1]].contains { $0.matches(name) }
  }
}

/// A name of a query parameter that `IgnoredQuery` cannot take.
public struct BadParameterName: Error, Equatable, CustomStringConvertible {
  public let name: String

  public var description: String {
    "'\(name)' is no name of a query parameter: write names as they stand in URLs, as in gclid or utm_*"
  }
}

/// A name, or the beginning of names.
private struct Pattern: Sendable, Hashable, Comparable {
  /// Normalized as a key is; never empty.
  let name: [UInt8]
  let isPrefix: Bool

  init?(_ text: String) {
    var bytes = Array(text.utf8)
    isPrefix = bytes.last == UInt8(ascii: "*")
    if isPrefix { bytes.removeLast() }
    let others = Array("*&=#,?".utf8)
    guard !bytes.isEmpty, bytes.allSatisfy({ (0x21...0x7E).contains($0) && !others.contains($0) }) else {
      return nil
    }
    var normalized: [UInt8] = []
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    unsafe normalized.appendNormalized(bytes.span.bytes)
    name = normalized
  }

  var initial: UInt8 { name[0] }

  func matches(_ other: RawSpan) -> Bool {
    guard isPrefix ? other.byteCount >= name.count : other.byteCount == name.count else { return false }
    return name.indices.allSatisfy { name[$0] == other.byte(at: $0) }
  }

  static func < (one: Pattern, other: Pattern) -> Bool {
    one.name == other.name
      ? !one.isPrefix && other.isPrefix : one.name.lexicographicallyPrecedes(other.name)
  }
}

/// Steps through the parameters of a query. An empty query has one empty parameter.
private struct Parameters {
  private var start: Int

  init(startingAt start: Int) {
    self.start = start
  }

  /// Where the next parameter stands in `bytes`, whole and its name alone; nil behind the last one.
  mutating func next(in bytes: RawSpan) -> (whole: Range<Int>, name: Range<Int>)? {
    guard start <= bytes.byteCount else { return nil }
    let end = bytes.firstOffset(of: .ampersand, from: start)
    let whole = start..<end
    let nameEnd = min(end, bytes.extracting(whole).firstOffset(of: .equals) + start)
    start = end + 1
    return (whole, whole.lowerBound..<nameEnd)
  }
}
