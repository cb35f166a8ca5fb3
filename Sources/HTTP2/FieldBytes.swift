import Glibc

/// A name or a value as nghttp2 lends it, for the time of a callback.
@safe struct FieldBytes {
  let bytes: UnsafeRawBufferPointer

  init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    unsafe bytes = UnsafeRawBufferPointer(start: start, count: unsafe start == nil ? 0 : count)
  }

  var isEmpty: Bool { unsafe bytes.isEmpty }

  static func == (field: FieldBytes, text: StaticString) -> Bool {
    unsafe field.equals(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  func equals(_ other: UnsafeRawBufferPointer) -> Bool {
    guard unsafe bytes.count == other.count else { return false }
    guard let start = unsafe bytes.baseAddress, let second = other.baseAddress else { return isEmpty }
    return unsafe memcmp(start, second, bytes.count) == 0
  }

  var begins: UInt8? { unsafe bytes.first }

  /// It holds no byte that ends a line or a string.
  var isOneLine: Bool {
    guard let start = unsafe bytes.baseAddress else { return true }
    let count = unsafe bytes.count
    return unsafe memchr(start, 0x0D, count) == nil && memchr(start, 0x0A, count) == nil
      && memchr(start, 0, count) == nil
  }
}
