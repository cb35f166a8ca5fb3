import CNghttp2
import HTTP1

/// The head of an answer in HTTP/1.1 as a field section (RFC 9113, 8.3.2), in nghttp2's form. One is enough for a connection.
@safe struct FieldVector: ~Copyable {
  /// Owned; freed in `deinit`. The names and values are the head's.
  private let fields: UnsafeMutableBufferPointer<nghttp2_nv>
  /// Owned; freed in `deinit`.
  private let status: UnsafeMutablePointer<UInt8>
  private static let statusName: StaticString = ":status"

  /// - Parameter capacity: of fields that a head has at most.
  init(capacity: Int) {
    unsafe fields = .allocate(capacity: capacity + 1)
    unsafe status = .allocate(capacity: 3)
  }

  deinit {
    unsafe fields.deallocate()
    unsafe status.deallocate()
  }

  /// Hands the section to `body`. Fields that are about a connection stay behind.
  ///
  /// - Parameter bytes: what the offsets of `head` and `lines` count in.
  mutating func withSection<Result>(
    of head: ResponseHead, _ lines: borrowing FieldTable, _ bytes: UnsafeRawBufferPointer,
    _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result
  ) -> Result {
    unsafe status[0] = 0x30 &+ UInt8(truncatingIfNeeded: head.status / 100)
    unsafe status[1] = 0x30 &+ UInt8(truncatingIfNeeded: head.status / 10 % 10)
    unsafe status[2] = 0x30 &+ UInt8(truncatingIfNeeded: head.status % 10)
    let name = unsafe UnsafeMutablePointer(mutating: Self.statusName.utf8Start)
    unsafe fields[0] = nghttp2_nv(
      name: name, value: status, namelen: Self.statusName.utf8CodeUnitCount, valuelen: 3,
      flags: UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue))
    var count = 1
    let capacity = unsafe fields.count
    for index in 0..<lines.count where !lines[index].isHopByHop && count < capacity {
      let line = lines[index]
      unsafe fields[count] = unsafe nghttp2_nv(
        name: Self.start(bytes, line.name), value: Self.start(bytes, line.value),
        namelen: line.name.count, valuelen: line.value.count, flags: 0)
      count += 1
    }
    return unsafe body(UnsafePointer(fields.baseAddress), count)
  }

  private static func start(
    _ bytes: UnsafeRawBufferPointer, _ range: ByteRange
  ) -> UnsafeMutablePointer<UInt8>? {
    let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[range.lower..<range.upper])
    return unsafe UnsafeMutablePointer(mutating: part.baseAddress?.assumingMemoryBound(to: UInt8.self))
  }
}
