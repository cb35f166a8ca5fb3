import URLMap

/// Makes keys of URLs as people and programs write them.
///
/// An absolute URL loses its scheme, its user, its port and its fragment; its host counts where keys have one, and for
/// the choice of hosts. Where keys have a host, a URL may begin with it, as keys do. What a browser would encode before
/// it sends it, bytes beyond ASCII, is encoded.
struct KeyMaker {
  enum Outcome {
    /// `key` holds it.
    case made
    /// It is of a host that was not asked for.
    case otherHost
    case refused(String)
  }

  private let scheme: KeyScheme
  /// In lower case; empty: all.
  private let hosts: [[UInt8]]
  private let longestKey: Int
  private(set) var key: [UInt8] = []
  private var target: [UInt8] = []
  private var host: [UInt8] = []

  init(_ scheme: KeyScheme, hosts: [String], longestKey: Int) {
    self.scheme = scheme
    self.hosts = hosts.map { $0.utf8.map(\.lowercased) }
    self.longestKey = longestKey
  }

  mutating func make(_ url: RawSpan) -> Outcome {
    host.removeAll(keepingCapacity: true)
    target.removeAll(keepingCapacity: true)
    let rest: RawSpan
    if let authority = authorityStart(url) {
      let end = firstOf("/?#", in: url, from: authority)
      let user = lastAt(url, authority..<end)
      appendHost(url.extracting((user ?? authority)..<end))
      guard !host.isEmpty else { return .refused("the URL has no host") }
      rest = url.extracting(end...)
    } else if url.byteCount > 0, url.byte(at: 0) == UInt8(ascii: "/") {
      rest = url
      if let only = hosts.first, hosts.count == 1 { host = only }
    } else if scheme.parts.haveHost, let slash = url.firstOffset(of: UInt8(ascii: "/")) {
      appendHost(url.extracting(0..<slash))
      rest = url.extracting(slash...)
    } else {
      return .refused("it is neither a path nor a URL of http or https")
    }
    if !hosts.isEmpty, !host.isEmpty, !hosts.contains(host) { return .otherHost }
    if scheme.parts.haveHost, host.isEmpty {
      return .refused("the map's keys have a host and the path has none: give --host")
    }
    if let problem = appendTarget(rest) { return .refused(problem) }
    return makeKey()
  }

  private mutating func makeKey() -> Outcome {
    var key: [UInt8] = []
    swap(&key, &self.key)
    defer { self.key = key }
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    switch unsafe scheme.key(of: target.span.bytes, host: host.span.bytes, writingInto: &key) {
    case .none: return .refused("its host is none")
    case .target(let byteCount):
      key.removeAll(keepingCapacity: true)
      key.append(contentsOf: target[..<byteCount])
    case .written: break
    }
    guard key.count <= longestKey else { return .refused("the URL is longer than \(longestKey) bytes") }
    guard let first = key.first, first != UInt8(ascii: "#"), key.allSatisfy({ (0x21...0x7E).contains($0) })
    else { return .refused("its host is none") }
    return .made
  }

  /// Appends path and query. What is wrong with them, or nil.
  private mutating func appendTarget(_ rest: RawSpan) -> String? {
    if rest.byteCount == 0 || rest.byte(at: 0) != UInt8(ascii: "/") { target.append(UInt8(ascii: "/")) }
    var offset = 0
    while true {
      let start = offset
      while offset < rest.byteCount, Self.isPlain(rest.byte(at: offset)) { offset += 1 }
      target.append(rest.extracting(start..<offset))
      guard offset < rest.byteCount else { return nil }
      switch rest.byte(at: offset) {
      case UInt8(ascii: "#"): return nil
      case 0x20, 0x09: return "there is a blank in the URL: write %20"
      case 0x80...: target.appendPercentEncoded(rest.byte(at: offset))
      default: return "there is a control character in the URL"
      }
      offset += 1
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "#")
  }

  /// Appends the host in lower case, without its port.
  private mutating func appendHost(_ authority: RawSpan) {
    var end = authority.byteCount
    while end > 0, authority.byte(at: end - 1).isDigit { end -= 1 }
    end = end > 0 && authority.byte(at: end - 1) == UInt8(ascii: ":") ? end - 1 : authority.byteCount
    for offset in 0..<end { host.append(authority.byte(at: offset).lowercased) }
  }

  /// Where the authority of a URL of http or https begins.
  private func authorityStart(_ url: RawSpan) -> Int? {
    for scheme in ["https://", "http://"] as [StaticString]
    where url.byteCount >= scheme.utf8CodeUnitCount {
      var offset = 0
      // A static string's bytes live as long as the program; the offset is inside both.
      while offset < scheme.utf8CodeUnitCount,
        unsafe url.byte(at: offset).lowercased == scheme.utf8Start[offset]
      {
        offset += 1
      }
      if offset == scheme.utf8CodeUnitCount { return offset }
    }
    return nil
  }

  private func firstOf(_ wanted: StaticString, in url: RawSpan, from start: Int) -> Int {
    var offset = start
    while offset < url.byteCount {
      let byte = url.byte(at: offset)
      if wanted.withUTF8Buffer({ unsafe $0.contains(byte) }) { break }
      offset += 1
    }
    return offset
  }

  /// Behind the last `@` of the range.
  private func lastAt(_ url: RawSpan, _ range: Range<Int>) -> Int? {
    for offset in range.reversed() where url.byte(at: offset) == UInt8(ascii: "@") { return offset + 1 }
    return nil
  }
}

extension [UInt8] {
  mutating func appendPercentEncoded(_ byte: UInt8) {
    func digit(_ value: UInt8) -> UInt8 {
      value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
    append(UInt8(ascii: "%"))
    append(digit(byte >> 4))
    append(digit(byte & 15))
  }
}
