import CZlib

/// Unpacks a gzip stream, of several members if it has them, piece by piece.
///
/// Owns zlib's state, which moves never: zlib keeps a pointer to it.
@safe
final class Gunzip {
  /// Why the stream is not unpacked any further.
  struct Failure: Error {
    let reason: String
  }

  private let stream: UnsafeMutablePointer<z_stream>
  private var input: [UInt8] = []
  private var inputStart = 0
  private var unpacked = 0
  private let limitBytes: Int
  /// Between members, or at the end.
  private var isBetween = false

  static let pieceBytes = 256 << 10

  static func isOne(_ start: [UInt8]) -> Bool { start.starts(with: [0x1F, 0x8B]) }

  /// - Parameter limitBytes: a stream that unpacks to more is refused.
  init(limitBytes: Int) throws(Failure) {
    self.limitBytes = limitBytes
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    guard unsafe relevo_inflateInitGzip(stream) == Z_OK else {
      unsafe stream.deallocate()
      throw Failure(reason: "zlib has no memory")
    }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// The next bytes, taking packed ones from `read` as they are needed; empty at the end.
  func next<E: Error>(_ read: () throws(E) -> [UInt8]) throws(E) -> Result<[UInt8], Failure> {
    while true {
      if inputStart == input.count {
        input = try read()
        inputStart = 0
        if input.isEmpty { return isBetween ? .success([]) : .failure(Failure(reason: "its end is missing")) }
      }
      if isBetween {
        guard input[inputStart] == 0x1F, unsafe inflateReset(stream) == Z_OK else {
          return .failure(Failure(reason: "something else follows the compressed data"))
        }
        isBetween = false
      }
      let (piece, code) = inflatePiece()
      unpacked += piece.count
      if unpacked > limitBytes {
        return .failure(Failure(reason: "it unpacks to more than \(limitBytes) bytes: give --max-unpacked"))
      }
      switch code {
      case Z_OK: break
      // No progress without more input, of which there is none left here.
      case Z_BUF_ERROR where inputStart == input.count: break
      case Z_STREAM_END: isBetween = true
      default: return .failure(Failure(reason: "its compressed data is damaged"))
      }
      if !piece.isEmpty { return .success(piece) }
    }
  }

  private func inflatePiece() -> (piece: [UInt8], code: Int32) {
    var code: Int32 = Z_OK
    let (stream, start) = unsafe (stream, inputStart)
    var taken = 0
    let piece = unsafe input.withUnsafeMutableBufferPointer { input in
      unsafe [UInt8](unsafeUninitializedCapacity: Self.pieceBytes) { output, initialized in
        // Both buffers outlive the call, and zlib keeps to the counts.
        unsafe stream.pointee.next_in = input.baseAddress.map { unsafe $0 + start }
        unsafe stream.pointee.avail_in = UInt32(clamping: input.count - start)
        unsafe stream.pointee.next_out = output.baseAddress
        unsafe stream.pointee.avail_out = UInt32(clamping: output.count)
        code = unsafe inflate(stream, Z_NO_FLUSH)
        initialized = unsafe output.count - Int(stream.pointee.avail_out)
        taken = unsafe input.count - start - Int(stream.pointee.avail_in)
        unsafe stream.pointee.next_in = nil
        unsafe stream.pointee.next_out = nil
      }
    }
    inputStart += taken
    return (piece, code)
  }
}
