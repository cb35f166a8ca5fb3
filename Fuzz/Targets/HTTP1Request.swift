@testable import HTTP1

private let limits = HeadLimits(maxBytes: 8192, maxFields: 32)

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = unsafe [UInt8](UnsafeRawBufferPointer(bytes, count))
  var table = FieldTable(capacity: 32)
  guard case .head(let head) = unsafe RequestHead.parse(input.span.bytes, limits: limits, fields: &table)
  else { return 0 }
  precondition(head.byteCount <= input.count)
  for index in 0..<table.count {
    let line = table[index].line
    precondition(line.lower <= line.upper && line.upper <= head.byteCount)
  }
  return 0
}
