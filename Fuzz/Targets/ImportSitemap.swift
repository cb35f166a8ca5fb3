@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  unsafe fuzzImport(bytes, count, as: .sitemap)
  return 0
}
