import URLMap

/// The known URLs that contain a text, whatever its letters' case.
public struct URLSearch: Sendable {
  /// With small letters, in the encoding that keys have.
  private let text: [UInt8]

  /// - Parameter text: as a person writes it, or as it stands in a URL.
  /// - Throws: ``BadURL`` when no URL can contain it.
  public init(_ text: String) throws(BadURL) {
    guard !text.isEmpty else { throw BadURL("write what the URLs contain") }
    self.text = try RequestedURL.encoded(text[...]).map(\.lowercased)
  }

  /// Calls `body` with the first `limit` of them, in the order of their keys.
  ///
  /// - Parameter mayGoOn: asked for every few thousand entries; false ends the search.
  /// - Returns: whether all URLs were looked at.
  public func forEach(
    in map: URLMap, atMost limit: Int, _ body: (_ key: RawSpan, _ entry: MapEntry) -> Void,
    mayGoOn: () -> Bool
  ) -> Bool {
    struct Enough: Error {}
    var found = 0
    var seen = 0
    do throws(Enough) {
      try map.forEachEntry { key, entry throws(Enough) in
        seen += 1
        if seen.isMultiple(of: 4096), !mayGoOn() { throw Enough() }
        guard matches(key) else { return }
        guard found < limit else { throw Enough() }
        found += 1
        body(key, entry)
      }
      return true
    } catch {
      return false
    }
  }

  private func matches(_ key: RawSpan) -> Bool {
    unsafe key.withUnsafeBytes { key in
      guard key.count >= text.count, let first = text.first else { return false }
      for start in 0...(key.count - text.count) where unsafe key[start].lowercased == first {
        let isMatch = text.indices.allSatisfy { unsafe key[start + $0].lowercased == text[$0] }
        if isMatch { return true }
      }
      return false
    }
  }
}

/// ASCII's lower case.
extension UInt8 {
  fileprivate var lowercased: UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
  }
}
