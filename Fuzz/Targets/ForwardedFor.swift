import Addressing

private let trusted = TrustedProxies(
  prefixes: ["10.0.0.0/8", "2001:db8::/32"].compactMap { try? IPPrefix($0) }, includesUnixSockets: false)

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = unsafe [UInt8](UnsafeRawBufferPointer(bytes, count))
  // The first byte cuts it into two lines, of which the last is read first.
  let cut = min(Int(input.first ?? 0), input.count)
  var chain = ForwardedChain(trusted: trusted)
  chain.read(input.span, value: cut..<input.count)
  chain.read(input.span, value: 0..<cut)
  if let client = chain.client {
    let address = IPAddress(input.span.extracting(client))
    precondition(address != nil)
    precondition(address.flatMap { IPAddress("\($0)") } == address, "an address is read back as another")
  }
  return 0
}
