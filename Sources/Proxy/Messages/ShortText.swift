import HTTP1

/// The text of an address: 47 bytes at most, which is what IPv6, brackets and a port can have.
///
/// Its bytes lie where it is stored: nothing is counted to copy it, and it takes no memory besides.
struct ShortText: Sendable {
  static let capacity = 47

  private var bytes = InlineArray<47, UInt8>(repeating: 0)
  private var count: UInt8 = 0

  /// What is past the capacity is left out.
  init(_ text: some Sequence<UInt8>) {
    for byte in text.prefix(Self.capacity) {
      bytes[Int(count)] = byte
      count += 1
    }
  }

  /// Lends the bytes to `body`.
  func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
    unsafe body(bytes.span.bytes.extracting(0..<Int(count)))
  }

  func contains(_ byte: UInt8) -> Bool {
    withBytes { bytes in bytes.byteOffsets.contains { bytes.byte(at: $0) == byte } }
  }

  /// A copy.
  var array: [UInt8] {
    withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
  }
}

extension ShortText: CustomStringConvertible {
  var description: String { String(decoding: array, as: UTF8.self) }
}

extension ByteWriter {
  mutating func append(_ text: ShortText) {
    text.withBytes { append($0) }
  }
}
