import Glibc

/// A name or a value as nghttp2 lends it, for the time of a callback.
@safe struct FieldBytes {
  let bytes: UnsafeRawBufferPointer

  init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    unsafe bytes = UnsafeRawBufferPointer(start: start, count: unsafe start == nil ? 0 : count)
  }

  var isEmpty: Bool { unsafe bytes.isEmpty }

  static func == (field: FieldBytes, text: StaticString) -> Bool {
    guard unsafe field.bytes.count == text.utf8CodeUnitCount, let start = unsafe field.bytes.baseAddress
    else {
      return false
    }
    return unsafe memcmp(start, text.utf8Start, field.bytes.count) == 0
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
