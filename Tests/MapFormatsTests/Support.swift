import CZlib
import Glibc

/// A folder of its own, removed with its files at the end.
final class ScratchFolder {
  let path: String
  private var names: Set<String> = []

  init() {
    var template = Array("/tmp/mapformats-XXXXXX".utf8CString)
    precondition(mkdtemp(&template) != nil, "no temporary folder: \(String(cString: strerror(errno)))")
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in names { remove(self[name]) }
    remove(path)
  }

  subscript(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ name: String, _ bytes: [UInt8]) {
    names.insert(name)
    guard let file = fopen(self[name], "w") else { preconditionFailure("cannot write \(name)") }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }

  /// Nil when it is not there.
  func read(_ name: String) -> [UInt8]? {
    names.insert(name)
    guard let file = fopen(self[name], "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while case let got = fread(&piece, 1, piece.count, file), got > 0 { bytes += piece[..<got] }
    return bytes
  }
}

/// A gzip stream of one member.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
  var stream = z_stream()
  precondition(relevo_deflateInitGzip(&stream) == Z_OK)
  defer { deflateEnd(&stream) }
  var input = bytes
  var output = [UInt8](repeating: 0, count: bytes.count + 1024)
  let room = output.count
  let left = input.withUnsafeMutableBufferPointer { input in
    output.withUnsafeMutableBufferPointer { output in
      stream.next_in = input.baseAddress
      stream.avail_in = UInt32(input.count)
      stream.next_out = output.baseAddress
      stream.avail_out = UInt32(output.count)
      precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
      return Int(stream.avail_out)
    }
  }
  return Array(output[..<(room - left)])
}
