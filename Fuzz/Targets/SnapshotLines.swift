@testable import URLMap

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = unsafe [UInt8](UnsafeRawBufferPointer(bytes, count))
  // Whatever passes is written back as it was, but for the spaces that some lines begin with.
  guard case .entry(let key, let entry)? = try? SnapshotFormat.parse(input.span, maxKeyBytes: 8192) else {
    return 0
  }
  var line: [UInt8] = []
  unsafe SnapshotFormat.append(input.span.bytes.extracting(key), entry, to: &line)
  precondition(line.drop { $0 == 0x20 }.dropLast().elementsEqual(input.drop { $0 == 0x20 }))
  return 0
}
