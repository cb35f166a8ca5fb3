import Glibc

/// The lines of a file that is read in pieces.
package enum Lines {
  /// Where the line ends that begins at `start`: at its line end; nil if that is not among the bytes.
  package static func end(in bytes: Span<UInt8>, from start: Int) -> Int? {
    unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress, start < buffer.count,
        let found = unsafe memchr(base + start, 0x0A, buffer.count - start)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - base
    }
  }
}
