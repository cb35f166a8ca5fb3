import Glibc

@testable import URLMap

/// A folder with one segment of a journal in it, and no snapshot.
private struct Segment {
  let mapPath: String
  private let fd: Int32

  init() {
    var template = Array("/dev/shm/relevo-fuzz-XXXXXX".utf8CString)
    precondition(unsafe mkdtemp(&template) != nil, "cannot make a folder in /dev/shm")
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    mapPath = "\(folder)/urls.map"
    fd = unsafe open("\(mapPath).journal.1", O_WRONLY | O_CREAT, 0o600)
    precondition(fd >= 0, "cannot make a file in /dev/shm")
  }

  func write(_ bytes: [UInt8]) {
    let written = unsafe bytes.withUnsafeBytes { unsafe pwrite(fd, $0.baseAddress, $0.count, 0) }
    precondition(
      written == bytes.count && ftruncate(fd, off_t(bytes.count)) == 0, "cannot write into /dev/shm")
  }

  func remove() {
    _ = unsafe unlink("\(mapPath).journal.1")
    _ = unsafe rmdir(String(mapPath.dropLast("/urls.map".count)))
  }
}

nonisolated(unsafe) private let segment: Segment = {
  atexit { segment.remove() }
  return Segment()
}()

/// The input's lines behind a right first line, each with the checksum that makes it whole.
private func repaired(_ input: [UInt8]) -> [UInt8] {
  var encoder = JournalFormat.Encoder()
  encoder.append(JournalFormat.Head(.first, mapKey: "path-query"))
  var bytes = encoder.bytes
  var checksum = CRC32()
  checksum.update(bytes.span)
  for line in input.split(separator: 0x0A) {
    let start = bytes.count
    bytes += line
    bytes.append(UInt8(ascii: " "))
    checksum.update(bytes.span.extracting(start...))
    let end = bytes.count
    Digits.appendHexadecimal(UInt64(checksum.value), count: 8, to: &bytes)
    bytes.append(0x0A)
    checksum.update(bytes.span.extracting(end...))
  }
  return bytes
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = unsafe [UInt8](UnsafeRawBufferPointer(bytes, count))
  segment.write(input.first == UInt8(ascii: "!") ? Array(input.dropFirst()) : repaired(input))
  let map = URLMap(URLMap.Configuration(maxURLs: 1000, memoryLimitBytes: 4 << 20), startingWriter: false)
  guard let report = try? SnapshotFile(path: segment.mapPath).read(into: map) else { return 0 }
  precondition(report.urls >= map.count && report.journal.changes >= map.count)
  var walked = 0
  map.forEachEntry { _, _ in walked += 1 }
  precondition(walked == map.count)
  return 0
}
