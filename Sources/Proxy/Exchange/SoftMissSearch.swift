import Glibc
import HTTP1

/// Looks for the texts of soft 404s in the first 64 KiB of an answer's body while it comes, wherever the boundaries of
/// receives and chunks fall.
struct SoftMissSearch {
  static let limitBytes = 64 << 10
  /// How long an answer is kept from its client for that.
  static let patienceMs: UInt64 = 2_000

  private let texts: [[UInt8]]
  private let longest: Int
  private var scanner: BodyScanner
  /// The body so far without its transfer coding.
  private var body: [UInt8] = []

  init(texts: [[UInt8]], framing: BodyFraming) {
    self.texts = texts
    longest = texts.map(\.count).max() ?? 0
    scanner = BodyScanner(framing, output: .payload)
  }

  /// As much has been looked at as ever will be.
  var isFull: Bool { body.count >= Self.limitBytes }

  /// Looks at what has come; true when a text has been found.
  ///
  /// - Parameter received: the bytes that the answer's own scanner gets next; they are left as they are.
  mutating func finds(in received: UnsafeRawBufferPointer) -> Bool {
    let seen = body.count
    unsafe body.append(contentsOf: received)
    let forward = unsafe body.withUnsafeMutableBytes { bytes in
      unsafe scanner.scan(UnsafeMutableRawBufferPointer(rebasing: bytes[seen...])).forward
    }
    body.removeLast(body.count - seen - forward)
    let upper = min(body.count, Self.limitBytes)
    let lower = max(0, seen - longest + 1)
    if lower >= upper { return false }
    return unsafe body.withUnsafeBytes { bytes in
      let window = unsafe UnsafeRawBufferPointer(rebasing: bytes[lower..<upper])
      return texts.contains { text in unsafe Self.contains(text, in: window) }
    }
  }

  private static func contains(_ text: [UInt8], in window: UnsafeRawBufferPointer) -> Bool {
    guard let first = text.first, let start = window.baseAddress else { return false }
    var offset = 0
    while window.count - offset >= text.count {
      // Stops where the text no longer fits, and so the comparison stays inside the window.
      let room = window.count - offset - text.count + 1
      guard let place = unsafe memchr(start + offset, Int32(first), room) else { return false }
      if unsafe memcmp(place, text, text.count) == 0 { return true }
      offset = unsafe UnsafeRawPointer(place) - start + 1
    }
    return false
  }
}
