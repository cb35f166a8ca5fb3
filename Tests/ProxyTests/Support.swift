import Addressing
import EventLoop
import Glibc
import HTTP1
import Testing

@testable import Proxy

/// Where the offsets of a parsed head lead.
let limits = HeadLimits(maxBytes: 16_384, maxFields: 64)

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

func text(_ writer: borrowing ByteWriter) -> String {
  writer.withBytes { bytes in ByteRange(lower: 0, upper: bytes.byteCount).text(in: bytes) }
}

/// What is no head where a test wants one.
struct NoHead: Error {}

/// Hands `body` a request's head, its fields and its bytes.
func withRequest<R>(
  _ message: String, _ body: (RequestHead, borrowing FieldTable, RawSpan) throws -> R
) throws -> R {
  try withRequest(Array(message.utf8), body)
}

/// Hands `body` a request's head, its fields and its bytes.
func withRequest<R>(
  _ bytes: [UInt8], _ body: (RequestHead, borrowing FieldTable, RawSpan) throws -> R
) throws -> R {
  var fields = FieldTable(capacity: 64)
  guard case .head(let head) = RequestHead.parse(bytes.span.bytes, limits: limits, fields: &fields) else {
    throw NoHead()
  }
  return try body(head, fields, bytes.span.bytes)
}

/// Hands `body` an answer's head, its fields and its bytes.
func withAnswer<R>(
  _ message: String, _ body: (ResponseHead, borrowing FieldTable, RawSpan) throws -> R
) throws -> R {
  let bytes = Array(message.utf8)
  var fields = FieldTable(capacity: 64)
  let parsed = ResponseHead.parse(bytes.span.bytes, toHead: false, limits: limits, fields: &fields)
  guard case .head(let head) = parsed else { throw NoHead() }
  return try body(head, fields, bytes.span.bytes)
}

/// A peer with this address, or of a unix socket.
func peerNamed(_ name: String, trusted: Bool = false) throws -> Peer {
  let address: PeerAddress = name == "unix" ? .unix : .ip(try #require(IPAddress(name)))
  return Peer(address, trusted: trusted ? try allProxies() : .none)
}

/// All that can be trusted is.
func allProxies() throws -> TrustedProxies {
  TrustedProxies(prefixes: [try IPPrefix("0.0.0.0/0"), try IPPrefix("::/0")], includesUnixSockets: true)
}

/// Whose request `message` is, which `fields` describe.
func sender(
  _ peer: Peer, of message: String, _ fields: borrowing FieldTable, trusted: Bool = false
) -> Sender {
  let bytes = Array(message.utf8)
  return Sender(
    peer: peer, fields: fields, bytes: bytes.span,
    trusted: trusted ? (try? allProxies()) ?? .none : .none)
}

/// A server of a site that nobody has to reach.
func makeOrigin(
  _ host: String = "10.0.0.1", port: UInt16 = 80, authority: String = "origin", site: Site = .new,
  options: OriginOptions = OriginOptions(), workers: Int = 1,
  policy: PassiveHealthPolicy = PassiveHealthPolicy()
) throws -> OriginState {
  let address = try SocketAddress.resolve(host: host, port: port)[0]
  return OriginState(
    id: options.id ?? "\(host)-\(port)", site: site,
    origin: ResolvedOrigin(address: address, authority: Array(authority.utf8), options: options),
    workers: workers, rules: PassiveHealthRules(policy))
}

extension WaitingRoom {
  /// Nobody waits in it.
  static var none: WaitingRoom { WaitingRoom(limit: 0, workers: 1) { _, _ in } }
}

/// A folder of its own; removed with all that is in it.
final class Folder {
  let path: String

  init() throws {
    var template = Array("/tmp/relevo-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw EventLoopError.system(call: "mkdtemp", errno: errno) }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  var names: [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  func contents(of name: String) -> String {
    let descriptor = open("\(path)/\(name)", O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { return "" }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(descriptor, &part, part.count), count > 0 { bytes += part.prefix(count) }
    return text(bytes)
  }
}

/// Waits up to thirty seconds until `isTrue`.
func waits(until isTrue: () -> Bool) -> Bool {
  for _ in 0..<6_000 {
    if isTrue() { return true }
    usleep(5_000)
  }
  return isTrue()
}
