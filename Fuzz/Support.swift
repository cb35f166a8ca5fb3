import Glibc
import MapFormats
import URLMap

@testable import HTTP1

extension UnsafeRawBufferPointer {
  /// What libFuzzer gives, as an array.
  init(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    unsafe self.init(start: bytes, count: bytes == nil ? 0 : count)
  }
}

/// A file in memory, without a name, whose content is replaced for each input.
struct ScratchFile {
  private let fd: Int32

  init() {
    var template = Array("/dev/shm/relevo-fuzz-XXXXXX".utf8CString)
    fd = unsafe mkstemp(&template)
    precondition(fd >= 0, "cannot make a file in /dev/shm")
    _ = unsafe unlink(template)
  }

  /// The way to it in this process.
  var path: String { "/proc/self/fd/\(fd)" }

  func write(_ bytes: [UInt8]) {
    let written = unsafe bytes.withUnsafeBytes { unsafe pwrite(fd, $0.baseAddress, $0.count, 0) }
    precondition(
      written == bytes.count && ftruncate(fd, off_t(bytes.count)) == 0, "cannot write into /dev/shm")
  }
}

private let importFile = ScratchFile()
private let importMap = URLMap(URLMap.Configuration(maxURLs: 10_000))

/// Imports an input; nil as format leaves it to the importer to tell.
func fuzzImport(_ bytes: UnsafePointer<UInt8>?, _ count: Int, as format: ImportFormat?) {
  importFile.write(unsafe [UInt8](UnsafeRawBufferPointer(bytes, count)))
  let parts: KeyScheme.Parts = count.isMultiple(of: 2) ? .pathQuery : .hostPath
  let options = MapImport.Options(
    scheme: KeyScheme(parts), format: format, maxUnpackedBytes: 1 << 20, now: 1)
  var reading = MapImport(into: importMap, options)
  try? reading.read(importFile.path)
}

/// Whatever a parser says of a head lies inside the input.
func checkHead(_ byteCount: Int, _ table: borrowing FieldTable, in input: [UInt8]) {
  precondition(byteCount <= input.count)
  for index in 0..<table.count {
    let line = table[index].line
    precondition(line.lower <= line.upper && line.upper <= byteCount)
  }
}
