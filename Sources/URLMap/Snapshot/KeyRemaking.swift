/// Entries of a file whose keys requests do not have any more, under those that they have now. They are kept aside until all
/// others are there: they come in no order, and two may be one by now. At most as many bytes as the file has.
final class KeyRemaking {
  private let scheme: KeyScheme
  private var room: [UInt8] = []
  private var keys: [UInt8] = []
  private var items: [(end: Int, entry: MapEntry)] = []

  init(_ scheme: KeyScheme) {
    self.scheme = scheme
  }

  var count: Int { items.count }

  /// Whether requests have another key for the URL of `key`; `keep` is the next to be called then.
  func isOutdated(_ key: RawSpan) -> Bool {
    switch scheme.standing(of: key, writingInto: &room) {
    case .current, .unreachable: false
    case .outdated: true
    }
  }

  /// Keeps the entry of the key that was outdated.
  func keep(_ entry: MapEntry) {
    keys.append(contentsOf: room)
    items.append((keys.count, entry))
  }

  /// Calls `body` with what was kept, until that returns false.
  func forEach(_ body: (UnsafeRawBufferPointer, MapEntry) -> Bool) -> Bool {
    unsafe keys.withUnsafeBytes { keys in
      var start = 0
      for item in items {
        let key = unsafe UnsafeRawBufferPointer(rebasing: keys[start..<item.end])
        guard unsafe body(key, item.entry) else { return false }
        start = item.end
      }
      return true
    }
  }
}
