import URLMap

/// Takes URLs from files into a map, as they are read: memory does not grow with the files but with the map.
///
/// What is no URL is a problem and is told; the rest of the file is taken. So is what comes before the place where
/// a file's compression or XML is broken.
public struct MapImport: ~Copyable {
  public struct Options: Sendable {
    /// What keys the map has.
    public var scheme: KeyScheme
    /// The hosts whose absolute URLs are taken; empty: all. With one, it is the host of paths too.
    public var hosts: [String]
    /// What the files are; nil: what each one seems to be.
    public var format: ImportFormat?
    /// The first problem ends the import.
    public var isStrict: Bool
    /// What a compressed file may unpack to, in bytes.
    public var maxUnpackedBytes: Int
    /// The time of learning, in seconds since 1970, of what comes without a time.
    public var now: UInt32

    public init(
      scheme: KeyScheme, hosts: [String] = [], format: ImportFormat? = nil, isStrict: Bool = false,
      maxUnpackedBytes: Int = 16 << 30, now: UInt32
    ) {
      self.scheme = scheme
      self.hosts = hosts
      self.format = format
      self.isStrict = isStrict
      self.maxUnpackedBytes = maxUnpackedBytes
      self.now = now
    }
  }

  /// What became of the files' lines and addresses.
  public struct Report: Sendable, Equatable {
    /// URLs that were not known.
    public var added = 0
    /// Those that were, or stood in the files before.
    public var known = 0
    /// Problems.
    public var refused = 0
    /// URLs of other hosts.
    public var otherHosts = 0
    /// Lines of access logs that show no page: another status or method.
    public var noPages = 0
  }

  public private(set) var report = Report()
  private let options: Options
  private let map: URLMap
  private let reader: URLMap.Reader
  /// Takes what comes into an empty map, up to the first visit.
  private var filling: Filling?
  private var keys: KeyMaker
  private var logLine = AccessLogLine()
  private let onProblem: (ImportProblem) -> Void
  private let onProgress: (Int) -> Void
  private var finishedBytes = 0
  private let droppedBefore: UInt64

  /// - Parameters:
  ///   - map: nobody else changes it meanwhile.
  ///   - onProblem: is told each line that is not taken, but the one that ends a strict import.
  ///   - onProgress: is told now and then how many bytes of all files were read.
  public init(
    into map: URLMap, _ options: Options, onProblem: @escaping (ImportProblem) -> Void = { _ in },
    onProgress: @escaping (_ doneBytes: Int) -> Void = { _ in }
  ) {
    self.options = options
    self.map = map
    self.onProblem = onProblem
    self.onProgress = onProgress
    reader = map.makeReader()
    droppedBefore = dropped(map.statistics)
    keys = KeyMaker(options.scheme, hosts: options.hosts, longestKey: map.maxKeyBytes)
  }

  /// Takes what one file holds.
  ///
  /// - Parameter path: `-` is standard input.
  public mutating func read(_ path: String) throws(ImportError) {
    filling = Filling(map)
    defer { filling = nil }
    try read(path, isFromIndex: false)
    try endFilling()
  }

  private mutating func read(_ path: String, isFromIndex: Bool) throws(ImportError) {
    let file = try ByteSource(path)
    var source = try UnpackedSource(file, maxBytes: options.maxUnpackedBytes)
    let format: ImportFormat
    if isFromIndex {
      format = .sitemap
    } else if let named = options.format {
      format = named
    } else {
      format = .detect(try source.peek())
    }
    var children: [(path: String, line: Int, url: String)] = []
    switch format {
    case .sitemap: children = try readSitemap(&source, path, isFromIndex: isFromIndex)
    case .haproxy, .list, .accessLog: try readLines(&source, format)
    }
    if let reason = source.failure { try problem(file.name, 0, reason) }
    try checkNothingWasDropped()
    finishedBytes += file.readBytes
    for child in children { try readChild(child, of: file.name) }
  }

  // MARK: Lines

  private mutating func readLines(_ source: inout UnpackedSource, _ format: ImportFormat) throws(ImportError)
  {
    var splitter = LineSplitter()
    while true {
      let piece = try source.next()
      if piece.isEmpty { break }
      try splitter.take(piece) { line, kind, number throws(ImportError) in
        try takeLine(line, kind, format, source.name, number)
      }
      onProgress(finishedBytes + source.readBytes)
    }
    try splitter.end { line, kind, number throws(ImportError) in
      try takeLine(line, kind, format, source.name, number)
    }
  }

  private mutating func takeLine(
    _ line: RawSpan, _ kind: LineSplitter.Line, _ format: ImportFormat, _ file: String, _ number: Int
  ) throws(ImportError) {
    guard kind == .text else {
      return try problem(file, number, "the line is longer than \(LineSplitter.longestLine) bytes")
    }
    // Editors of some systems begin a file with a mark of its encoding.
    let whole = line.extracting((number == 1 && line.hasPrefix("\u{FEFF}") ? 3 : 0)...)
    let text = whole.extracting(whole.trimmedRange)
    guard text.byteCount > 0 else { return }
    if format == .accessLog {
      switch logLine.parse(text) {
      case .page(let time):
        let target = logLine.target
        try takeURL(unsafe target.span.bytes, visitedAt: time, file, number)
      case .nothing: report.noPages += 1
      case .broken(let reason): try problem(file, number, reason)
      }
      return
    }
    guard text.byte(at: 0) != UInt8(ascii: "#") else { return }
    switch (format, text.firstBlank) {
    case (.haproxy, let blank?): try takeURL(text.extracting(0..<blank), visitedAt: nil, file, number)
    case (.haproxy, nil):
      try problem(file, number, "behind the URL there is no value, as a map of HAProxy has it")
    case (_, nil): try takeURL(text, visitedAt: nil, file, number)
    case (_, _?):
      try problem(file, number, "there is more than a URL: in a list, a URL stands alone on its line")
    }
  }

  // MARK: Sitemaps

  private mutating func readSitemap(
    _ source: inout UnpackedSource, _ path: String, isFromIndex: Bool
  ) throws(ImportError) -> [(path: String, line: Int, url: String)] {
    var children: [(path: String, line: Int, url: String)] = []
    let sitemap: SitemapReader
    do {
      sitemap = try SitemapReader()
    } catch {
      throw .outOfMemory
    }
    while true {
      let piece = try source.next()
      // A file whose compression is broken has no end that could be well-formed: one problem is enough.
      if piece.isEmpty, source.failure != nil { return children }
      for location in sitemap.take(piece, isFinal: piece.isEmpty) {
        if !location.isSitemap {
          let url = unsafe location.bytes.span.bytes
          try takeURL(url.extracting(url.trimmedRange), visitedAt: nil, source.name, location.line)
        } else if isFromIndex {
          try problem(source.name, location.line, "an index of sitemaps names another index, which none may")
        } else if let name = Self.fileName(location.bytes) {
          let url = String(decoding: location.bytes, as: UTF8.self)
          children.append((Self.folder(of: path) + name, location.line, url))
        } else {
          try problem(source.name, location.line, "the address of the sitemap names no file")
        }
      }
      onProgress(finishedBytes + source.readBytes)
      if let failure = sitemap.failure {
        try problem(source.name, failure.line, failure.reason)
        return children
      }
      if piece.isEmpty { return children }
    }
  }

  private mutating func readChild(
    _ child: (path: String, line: Int, url: String), of index: String
  ) throws(ImportError) {
    do {
      try read(child.path, isFromIndex: true)
    } catch {
      guard case .system(child.path, "open the file", _) = error else { throw error }
      try problem(
        index, child.line,
        "\(child.path) is not beside the index: fetch \(child.url) into this folder and import it too")
    }
  }

  /// The last part of an address's path, if a file can have that name.
  private static func fileName(_ url: [UInt8]) -> String? {
    let text = String(decoding: url[unsafe url.span.bytes.trimmedRange], as: UTF8.self)
    let name = text.prefix { $0 != "?" && $0 != "#" }.split(separator: "/", omittingEmptySubsequences: false)
      .last
    guard let name, !name.isEmpty, name != ".", name != "..", !name.utf8.contains(0) else { return nil }
    return String(name)
  }

  /// The folder of a file, with its slash; empty for the current one.
  private static func folder(of path: String) -> String {
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? ""
  }

  // MARK: URLs

  private mutating func takeURL(
    _ url: RawSpan, visitedAt time: UInt32?, _ file: String, _ line: Int
  ) throws(ImportError) {
    switch keys.make(url) {
    case .otherHost: report.otherHosts += 1
    case .refused(let reason): try problem(file, line, reason)
    case .made: try add(visitedAt: time)
    }
  }

  private mutating func endFilling() throws(ImportError) {
    guard let filling = filling.take() else { return }
    guard filling.finish() else { throw .outOfMemory }
  }

  /// Adds the key that was made, or counts its visit.
  private mutating func add(visitedAt time: UInt32?) throws(ImportError) {
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    let bytes = keys.key
    let key = unsafe bytes.span.bytes
    if let filling, time == nil {
      switch filling.add(key, MapEntry(learnedAt: options.now)) {
      case .added: report.added += 1
      case .known: report.known += 1
      case .refused: throw .outOfMemory
      }
      return
    }
    try endFilling()
    let entry = reader.lookup(key, countingHitAt: nil)
    if entry == nil {
      report.added += 1
      while !map.learn(key, at: time ?? options.now) { map.waitUntilApplied() }
      map.waitUntilApplied()
    } else {
      report.known += 1
    }
    // Logs come in any order, and the last visit is the latest one.
    if let time { _ = reader.lookup(key, countingHitAt: max(time, entry?.lastUsedAt ?? 0)) }
  }

  /// A map that is full drops URLs in silence, as serve wants it.
  private func checkNothingWasDropped() throws(ImportError) {
    if dropped(map.statistics) > droppedBefore { throw .outOfMemory }
  }

  private mutating func problem(_ file: String, _ line: Int, _ reason: String) throws(ImportError) {
    let problem = ImportProblem(file: file, line: line, reason: reason)
    if options.isStrict { throw .refused(problem) }
    report.refused += 1
    onProblem(problem)
  }
}

/// How many URLs a map could not keep.
private func dropped(_ statistics: URLMap.Statistics) -> UInt64 {
  statistics.evicted &+ statistics.droppedByFullMemory
}

/// A file's bytes, unpacked if it is compressed.
struct UnpackedSource {
  private let file: ByteSource
  private let gunzip: Gunzip?
  private var first: [UInt8]?
  /// Why there is no more, if that is not the file's end.
  private(set) var failure: String?

  init(_ file: ByteSource, maxBytes: Int) throws(ImportError) {
    self.file = file
    do {
      gunzip = Gunzip.isOne(try file.peek()) ? try Gunzip(limitBytes: maxBytes) : nil
    } catch let error as ImportError {
      throw error
    } catch {
      throw .outOfMemory
    }
  }

  var name: String { file.name }
  /// Of the file, compressed as it is.
  var readBytes: Int { file.readBytes }

  /// What the next call of `next` returns; empty at the end.
  mutating func peek() throws(ImportError) -> [UInt8] {
    let piece = try next()
    first = piece
    return piece
  }

  /// The next bytes; empty at the end.
  mutating func next() throws(ImportError) -> [UInt8] {
    if let piece = first.take() { return piece }
    guard failure == nil else { return [] }
    guard let gunzip else { return try file.next() }
    switch try gunzip.next({ () throws(ImportError) in try file.next() }) {
    case .success(let piece): return piece
    case .failure(let error):
      failure = error.reason
      return []
    }
  }
}
