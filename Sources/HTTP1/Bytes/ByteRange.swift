/// A half-open range of bytes, counted from the first byte that was handed to the parser.
///
/// Stored in eight bytes; offsets outside `0...UInt32.max` are clamped.
public struct ByteRange: Sendable, Equatable {
  private var lowerOffset: UInt32
  private var upperOffset: UInt32

  public init(lower: Int, upper: Int) {
    lowerOffset = UInt32(clamping: lower)
    upperOffset = UInt32(clamping: upper)
  }

  /// Of offsets that are known to lie within a head.
  @inline(__always)
  init(known lower: Int, _ upper: Int) {
    assert(lower >= 0 && upper >= 0 && max(lower, upper) <= Int(UInt32.max), "an offset outside a head")
    lowerOffset = UInt32(truncatingIfNeeded: lower)
    upperOffset = UInt32(truncatingIfNeeded: upper)
  }

  /// Offset of the first byte.
  public var lower: Int {
    get { Int(lowerOffset) }
    set { lowerOffset = UInt32(clamping: newValue) }
  }

  /// Offset past the last byte.
  public var upper: Int {
    get { Int(upperOffset) }
    set { upperOffset = UInt32(clamping: newValue) }
  }

  /// Bytes in the range; 0 when `upper` is not past `lower`.
  public var count: Int { max(0, upper - lower) }

  public var isEmpty: Bool { upperOffset <= lowerOffset }

  /// No bytes, at offset 0.
  public static var empty: ByteRange { ByteRange(lower: 0, upper: 0) }

  /// The bytes of this range as text, for logs; what is not UTF-8 is replaced. Allocates.
  ///
  /// Empty when the range does not lie within `bytes`.
  public func text(in bytes: RawSpan) -> String {
    guard upper <= bytes.byteCount, !isEmpty else { return "" }
    return unsafe bytes.extracting(lower..<upper).withUnsafeBytes {
      unsafe String(decoding: $0, as: UTF8.self)
    }
  }

  /// Whether the bytes of this range are those of `text`. False when the range does not lie within `bytes`.
  ///
  /// `ignoringCase` folds ASCII letters only, as hosts and field names want it.
  public func equals(_ text: String, in bytes: RawSpan, ignoringCase: Bool) -> Bool {
    let utf8 = text.utf8
    guard upper <= bytes.byteCount, utf8.count == count else { return false }
    var offset = lower
    for byte in utf8 {
      let own = bytes.byte(at: offset)
      guard own == byte || (ignoringCase && own.lowercased == byte.lowercased) else { return false }
      offset += 1
    }
    return true
  }
}
