/// What an operator knows of all paths that begin in one way.
public struct PathRule: Sendable, Equatable {
  public enum Site: Sendable, Equatable {
    /// Old is asked first, and nothing is learned.
    case alwaysOld
    /// Old is never asked.
    case alwaysNew
  }

  /// How paths begin, as written by the operator; with `alwaysOld` also a whole path and how its query begins.
  public let prefix: String
  public let site: Site
  /// Where it was given, for messages: `--always-old` or `rules.txt:3`.
  public let source: String
  /// The prefix with its percent-encodings normalized, and what no URL holds encoded.
  let exact: [UInt8]
  /// It goes on with a query.
  let hasQuery: Bool

  /// The longest prefix, in bytes.
  public static let longestPrefixBytes = 1024

  /// - Throws: what is wrong with the prefix.
  public init(_ prefix: String, _ site: Site, source: String) throws(BadPrefix) {
    self.prefix = prefix
    self.site = site
    self.source = source
    guard prefix.utf8.first == .slash else { throw BadPrefix("a path begins with a slash, as in /css/") }
    guard prefix.utf8.count <= Self.longestPrefixBytes else {
      throw BadPrefix("a path of a rule has at most \(Self.longestPrefixBytes) bytes")
    }
    var exact: [UInt8] = []
    let encoded = prefix.utf8.flatMap { (0x21...0x7E).contains($0) ? [$0] : [UInt8](encoding: $0) }
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    unsafe exact.appendNormalized(encoded.span.bytes)
    self.exact = exact
    let path = exact.prefix { $0 != .questionMark || site == .alwaysNew }
    hasQuery = path.count < exact.count
    let decodedPath = Self.decoded(Array(path))
    if let marked = decodedPath.first(where: LoosePath.isMark) {
      throw BadPrefix(Self.sentence(about: marked, site))
    }
    if exact.contains(UInt8(ascii: "#")) { throw BadPrefix(Self.sentence(about: UInt8(ascii: "#"), site)) }
    // The last part may go on in a path, and so is none yet.
    var parts = decodedPath.dropFirst().split(separator: .slash, omittingEmptySubsequences: false)
    if !hasQuery { parts.removeLast() }
    if hasQuery, parts.last?.isEmpty == true { parts.removeLast() }
    if parts.contains(where: { $0.isEmpty || $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }) {
      throw BadPrefix("write the path without //, /./ and /../")
    }
  }

  private static func sentence(about mark: UInt8, _ site: Site) -> String {
    switch (mark, site) {
    case (UInt8(ascii: "#"), _): "no server is sent a #: leave out what follows it"
    case (.questionMark, .alwaysNew):
      "always-new is about paths, whatever their queries: leave out what follows the ?"
    case (.questionMark, .alwaysOld):
      "an encoded ? means different things to different servers: write ?, or leave it out"
    default: "; \\ and zero bytes mean different things to different servers: leave them out of rules"
    }
  }

  /// The prefix as the most lenient server would read it: decoded, in small letters.
  var decoded: [UInt8] { Self.decoded(exact) }

  private static func decoded(_ text: [UInt8]) -> [UInt8] {
    var decoded: [UInt8] = []
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    let bytes = unsafe text.span.bytes
    var offset = 0
    while offset < bytes.byteCount { decoded.append(bytes.nextDecoded(at: &offset).lowercased) }
    return decoded
  }
}

/// Why a prefix makes no rule, and what would be right.
public struct BadPrefix: Error, Equatable, CustomStringConvertible {
  public let description: String

  public init(_ sentence: String) {
    description = sentence
  }
}

extension [UInt8] {
  /// The percent-encoding of a byte.
  fileprivate init(encoding byte: UInt8) {
    self = [.percent, .hexadecimalDigit(byte >> 4), .hexadecimalDigit(byte & 0xF)]
  }
}
