@testable import HTTP1

private let limits = HeadLimits(maxBytes: 8192, maxFields: 32)

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = unsafe [UInt8](UnsafeRawBufferPointer(bytes, count))
  var table = FieldTable(capacity: 32)
  guard
    case .head(let head) = unsafe ResponseHead.parse(
      input.span.bytes, toHead: false, limits: limits, fields: &table)
  else { return 0 }
  checkHead(head.byteCount, table, in: input)
  return 0
}
