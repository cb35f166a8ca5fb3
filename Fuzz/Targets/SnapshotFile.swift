@testable import URLMap

nonisolated(unsafe) private let file = ScratchFile()

/// A file as it would be whole: the input's lines, and the end line that fits them.
private func repaired(_ input: [UInt8]) -> [UInt8] {
  var bytes = Array("\(SnapshotFormat.firstLine)\n".utf8) + input
  if bytes.last != 0x0A { bytes.append(0x0A) }
  var urls = 0
  for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
    if case .entry? = try? SnapshotFormat.parse(Array(line).span, maxKeyBytes: 8192) { urls += 1 }
  }
  var checksum = CRC32()
  checksum.update(bytes.span)
  SnapshotFormat.appendEnd(urls: urls, checksum: checksum.value, to: &bytes)
  return bytes
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = unsafe [UInt8](UnsafeRawBufferPointer(bytes, count))
  file.write(input.first == 0x21 ? Array(input.dropFirst()) : repaired(input))
  let map = URLMap(URLMap.Configuration(maxURLs: 1000, memoryLimitBytes: 4 << 20), startingWriter: false)
  guard let report = try? SnapshotFile(path: file.path).read(into: map) else { return 0 }
  precondition(report.urls >= map.count)
  var walked = 0
  map.forEachEntry { _, _ in walked += 1 }
  precondition(walked == map.count)
  return 0
}
