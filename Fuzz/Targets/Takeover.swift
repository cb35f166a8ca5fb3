// with Sources/relevo/Takeover/TakeoverMessage.swift
import Proxy
import URLMap

/// Behind a `!` stands the whole packet; else what follows a right beginning.
private func packet(_ input: [UInt8]) -> [UInt8] {
  if input.first == UInt8(ascii: "!") { return Array(input.dropFirst()) }
  return Array(TakeoverMessage.ready.bytes.dropLast()) + input
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let packet = packet(unsafe [UInt8](UnsafeRawBufferPointer(bytes, count)))
  guard let message = try? TakeoverMessage(packet) else { return 0 }
  precondition((try? TakeoverMessage(message.bytes)) == message, "it does not say again what it says")
  switch message {
  case .changes: break
  case .hello, .refused, .sockets, .offer, .wantsMap, .map, .ready, .yours, .taken:
    // Packets arrive whole, so that a part is never the beginning of one.
    precondition((try? TakeoverMessage(Array(packet.dropLast()))) == nil, "a part of it passes for one")
    precondition((try? TakeoverMessage(packet + [0])) == nil, "more than it passes for one")
  }
  return 0
}
