import MapFormats
import URLMap

nonisolated(unsafe) private let file = ScratchFile()
private let map = URLMap(URLMap.Configuration(maxURLs: 10_000))

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = unsafe [UInt8](UnsafeRawBufferPointer(bytes, count))
  file.write(input)
  let parts: KeyScheme.Parts = count.isMultiple(of: 2) ? .pathQuery : .hostPath
  let options = MapImport.Options(
    scheme: KeyScheme(parts), format: .accessLog, maxUnpackedBytes: 1 << 20, now: 1)
  var reading = MapImport(into: map, options)
  try? reading.read(file.path)
  return 0
}
