import Foundation
import Testing

typealias Bytes = [UInt8]

extension Bytes {
  init(text: String) { self = Array(text.utf8) }

  /// The bytes as text, for expectations that read well; compare the bytes where they may be no UTF-8.
  var text: String { String(decoding: self, as: UTF8.self) }

  /// The offset of the first occurrence of `needle` at or after `start`.
  func offset(of needle: Bytes, from start: Int = 0) -> Int? {
    guard let first = needle.first else { return nil }
    return withUnsafeBytes { hay in
      var start = start
      while start + needle.count <= hay.count,
        let found = memchr(hay.baseAddress! + start, Int32(first), hay.count - start - needle.count + 1)
      {
        let offset = UnsafeRawPointer(found) - hay.baseAddress!
        if hay[offset..<offset + needle.count].elementsEqual(needle) { return offset }
        start = offset + 1
      }
      return nil
    }
  }

  func contains(text: String) -> Bool { offset(of: Bytes(text: text)) != nil }

  /// Bytes of every value in an order that does not repeat at the sizes of buffers.
  static func pattern(_ count: Int, seed: UInt64 = 1) -> Bytes {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return Bytes(unsafeUninitializedCapacity: count) { buffer, initialized in
      for index in 0..<count {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        buffer[index] = UInt8(truncatingIfNeeded: state >> 56)
      }
      initialized = count
    }
  }

  /// The bytes as one chunk of the chunked coding.
  var asChunk: Bytes { Bytes(text: "\(String(count, radix: 16))\r\n") + self + Bytes(text: "\r\n") }
}

extension String {
  /// The text as one chunk of the chunked coding.
  var asChunk: Bytes { Bytes(text: self).asChunk }

  /// What stands between the first `prefix` and the next `suffix`.
  func between(_ prefix: String, _ suffix: String) -> String? {
    guard let start = range(of: prefix),
      let end = range(of: suffix, range: start.upperBound..<endIndex)
    else { return nil }
    return String(self[start.upperBound..<end.lowerBound])
  }
}

/// Expects the same bytes, and says where they part instead of printing them.
func expectSame(_ bytes: Bytes, _ expected: Bytes, sourceLocation: SourceLocation = #_sourceLocation) {
  guard bytes != expected else { return }
  let offset = zip(bytes, expected).enumerated().first { $1.0 != $1.1 }?.offset
  let place = offset ?? min(bytes.count, expected.count)
  Issue.record(
    """
    \(bytes.count) bytes in place of \(expected.count), the same up to byte \(place), then \
    \(Bytes(bytes[place...].prefix(40)).text.debugDescription)
    """, sourceLocation: sourceLocation)
}
