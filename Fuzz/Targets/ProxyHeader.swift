import Addressing

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = unsafe [UInt8](UnsafeRawBufferPointer(bytes, count))
  switch ProxyHeader.parse(input.span) {
  case .header(let header):
    precondition(header.byteCount <= input.count && header.byteCount <= ProxyHeader.maxBytes)
    // It ends where it ends, whatever follows, and not before.
    let alone = Array(input[..<header.byteCount])
    precondition(ProxyHeader.parse(alone.span) == .header(header))
    let cut = Array(alone.dropLast())
    precondition(ProxyHeader.parse(cut.span) == .incomplete)
  case .incomplete: precondition(input.count < ProxyHeader.maxBytes)
  case .malformed(let cause):
    // What can't become a header can't become one later.
    let longer = input + [0]
    precondition(ProxyHeader.parse(longer.span) == .malformed(cause))
  }
  return 0
}
