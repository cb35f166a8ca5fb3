import URLMap

/// What a map can be exported as. The raw values are the names that the command line uses.
public enum ExportFormat: String, CaseIterable, Sendable {
  /// A map file for HAProxy's `map_str`: routes to the old server, or redirects.
  case haproxy
  /// A `RewriteMap` text file of Apache: routes or redirects.
  case apacheText = "apache-txt"
  /// What `httxt2dbm` makes a `RewriteMap` database of: routes or redirects.
  case apacheDatabase = "apache-dbm"
  /// The body of nginx's `map` that names the upstream of a request.
  case nginxMap = "nginx-map"
  /// The body of nginx's `map` that names the address a request is redirected to.
  case nginxRedirects = "nginx-redirects"
  /// A table for spreadsheets, RFC 4180.
  case csv
  /// One JSON object, RFC 8259.
  case json
  /// A sitemap of sitemaps.org, or several with an index.
  case sitemap

  /// Why the format cannot be had with these options, and what would be right; nil if it can.
  ///
  /// - Parameter to: how whoever asks writes the option that says where to.
  public func problem(with options: ExportOptions, writing to: String = "--to ") -> String? {
    switch self {
    case .nginxRedirects where options.redirect == nil:
      "nginx-redirects needs to know where to: \(to)https://old.example.com"
    case .nginxMap where options.redirect != nil:
      "nginx-map names upstreams and sends nobody elsewhere: for redirects there is nginx-redirects"
    case .sitemap where options.redirect == nil && !options.parts.haveHost:
      "a sitemap has whole URLs: give the site with \(to)https://www.example.com"
    default: nil
    }
  }

  /// The entries that one file holds at most; nil: any number.
  public var mostEntries: Int? { self == .sitemap ? Sitemap.mostURLs : nil }

  func makeFormat(_ options: ExportOptions) -> any EntryFormat {
    switch self {
    case .haproxy: HAProxyMap(options)
    case .apacheText: ApacheMap(options, storage: .text)
    case .apacheDatabase: ApacheMap(options, storage: .database)
    case .nginxMap, .nginxRedirects: NginxMap(options)
    case .csv: CSVTable(options)
    case .json: JSONDocument(options)
    case .sitemap: Sitemap(options)
    }
  }
}

/// What is exported, and for whom.
public struct ExportOptions: Sendable {
  /// What the map's keys are made of: the directives look a request up by the same.
  public var parts: KeyScheme.Parts
  /// Where the URLs are redirected to; nil: the file says only that they are the old server's.
  public var redirect: Redirect?
  /// Entries with fewer visits stay out.
  public var minHits: UInt32
  /// Only keys that begin with it.
  public var prefix: [UInt8]
  /// The path of the file, for its head comment; nil when it is not known or no directive could hold it unquoted.
  public let file: String?

  /// - Parameter file: absolute, as the server that reads it will see it.
  public init(
    parts: KeyScheme.Parts = .pathQuery, redirect: Redirect? = nil, minHits: UInt32 = 0, prefix: [UInt8] = [],
    file: String? = nil
  ) {
    self.parts = parts
    self.redirect = redirect
    self.minHits = minHits
    self.prefix = prefix
    self.file = file.flatMap { $0.utf8.allSatisfy(Self.isPlain) ? $0 : nil }
  }

  /// The file's path as directives write it.
  var fileInDirectives: String { file ?? "/path/of/this/file" }

  /// Needs no quotes in any server's configuration.
  private static func isPlain(_ byte: UInt8) -> Bool {
    byte.isLetterOrDigit || "/._-+@".utf8.contains(byte)
  }
}

/// A redirect to another site, which has each page under the same path and query.
public struct Redirect: Sendable, Equatable {
  /// Scheme, host, and what comes before the path: no slash at the end.
  public let base: String
  public let status: Status

  public enum Status: Int, CaseIterable, Sendable {
    case movedPermanently = 301
    case found = 302
    case seeOther = 303
    case temporary = 307
    case permanent = 308
  }

  /// What is wrong with a base, and what would be right.
  public struct BadBase: Error, Sendable {
    public let reason: String
  }

  /// - Parameter base: `https://old.example.com`, with a port or a path if the site has one. No query, and nothing
  ///   that one of the servers' configurations would take for its own syntax.
  public init(to base: String, status: Status = .movedPermanently) throws(BadBase) {
    let right = "write scheme and host, as in https://old.example.com"
    guard let scheme = ["https://", "http://"].first(where: { base.hasPrefix($0) }) else {
      throw BadBase(reason: right)
    }
    let rest = base.dropFirst(scheme.count)
    guard let first = rest.utf8.first, first.isLetterOrDigit || first == UInt8(ascii: "[") else {
      throw BadBase(reason: right)
    }
    guard rest.utf8.allSatisfy({ $0.isLetterOrDigit || "-._~/:[]%".utf8.contains($0) }) else {
      throw BadBase(reason: "\(right): no query, and of a path only letters, digits and - . _ ~ %")
    }
    guard base.utf8.count <= 1000 else { throw BadBase(reason: "at most 1000 bytes") }
    self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
    self.status = status
  }

  /// Appends where a request with `key` is sent: the base and the key without its host.
  func append(_ key: RawSpan, _ parts: KeyScheme.Parts, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: base.utf8)
    bytes.append(key.extracting(parts.pathStart(of: key)...))
  }
}

extension KeyScheme.Parts {
  /// Where in `key` the path begins.
  func pathStart(of key: RawSpan) -> Int {
    haveHost ? key.firstOffset(of: UInt8(ascii: "/")) ?? key.byteCount : 0
  }
}
