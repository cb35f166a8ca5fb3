/// Query parameters that advertisers add to links: they name no page, so they are no part of a map's key. The
/// origins get them all the same.
enum TrackingParameters {
  private static let names: [StaticString] = [
    "gclid", "gclsrc", "dclid", "wbraid", "gbraid", "fbclid", "msclkid", "mc_cid", "mc_eid", "_ga", "_gl",
    "yclid", "twclid", "igshid",
  ]
  private static let prefix: StaticString = "utm_"

  /// Writes `target` without its tracking parameters into `key`; false when it has none, and then the
  /// target is the key. O(bytes of the query).
  static func strip(_ target: RawSpan, into key: inout [UInt8]) -> Bool {
    guard let question = target.firstOffset(of: UInt8(ascii: "?"), from: 0) else { return false }
    key.removeAll(keepingCapacity: true)
    append(target, 0..<question, to: &key)
    var separator = UInt8(ascii: "?")
    var hasTracking = false
    var start = question + 1
    while start <= target.byteCount {
      let end = target.firstOffset(of: UInt8(ascii: "&"), from: start) ?? target.byteCount
      if isTracking(target.extracting(start..<end)) {
        hasTracking = true
      } else {
        key.append(separator)
        append(target, start..<end, to: &key)
        separator = UInt8(ascii: "&")
      }
      start = end + 1
    }
    return hasTracking
  }

  private static func append(_ target: RawSpan, _ range: Range<Int>, to key: inout [UInt8]) {
    unsafe target.extracting(range).withUnsafeBytes { unsafe key.append(contentsOf: $0) }
  }

  private static func isTracking(_ parameter: RawSpan) -> Bool {
    let end = parameter.firstOffset(of: UInt8(ascii: "="), from: 0) ?? parameter.byteCount
    let name = parameter.extracting(0..<end)
    return name.starts(with: prefix)
      || names.contains { name.byteCount == $0.utf8CodeUnitCount && name.starts(with: $0) }
  }
}

extension RawSpan {
  fileprivate func firstOffset(of wanted: UInt8, from start: Int) -> Int? {
    var offset = start
    while offset < byteCount {
      if byte(at: offset) == wanted { return offset }
      offset += 1
    }
    return nil
  }

  fileprivate func starts(with text: StaticString) -> Bool {
    guard byteCount >= text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { utf8 in
      utf8.indices.allSatisfy { unsafe utf8[$0] == byte(at: $0) }
    }
  }
}
