import EventLoop
import Glibc

/// Memory that the sessions of one loop share, each for the time of one call. Used on the loop's thread only, and outlives the
/// sessions.
@safe public final class TLSWorkspace {
  /// The most bytes of the user's that one record carries (RFC 8446, 5.1).
  static let recordBytes = 16 << 10

  /// Records that leave when the call is over; empty between calls. Owned, freed in `deinit`.
  let output: UnsafeMutablePointer<ByteBlock>
  /// Where what stands in two places is put together for one record. Owned, freed in `deinit`.
  let joint: UnsafeMutableRawBufferPointer

  public init() {
    unsafe output = .allocate(capacity: 1)
    unsafe output.initialize(to: ByteBlock())
    unsafe joint = .allocate(byteCount: Self.recordBytes, alignment: 16)
  }

  deinit {
    unsafe output.pointee.free()
    unsafe output.deallocate()
    unsafe joint.deallocate()
  }
}
