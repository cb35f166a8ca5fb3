import URLMap

private let ignored = (try? IgnoredQuery(names: ["a", "utm_*"])) ?? .nothing

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = unsafe [UInt8](UnsafeRawBufferPointer(bytes, count))
  // The first line is the host, the rest the target. The key of a key is that key.
  let end = input.firstIndex(of: 0x0A) ?? 0
  let (host, target) = (Array(input[..<end]), Array(input[end...].drop { $0 == 0x0A }))
  for parts in KeyScheme.Parts.allCases {
    let scheme = KeyScheme(parts, ignoring: ignored)
    guard let key = scheme.key(of: target, host: host) else { continue }
    precondition(key.allSatisfy { (0x21...0x7E).contains($0) || parts.haveHost })
    guard !parts.haveHost else { continue }
    precondition(scheme.key(of: key) == key, "the key of a key is another")
  }
  return 0
}
