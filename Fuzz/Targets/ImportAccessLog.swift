@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  unsafe fuzzImport(bytes, count, as: .accessLog)
  return 0
}
