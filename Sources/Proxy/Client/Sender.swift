import Addressing
import HTTP1

/// Whose request it is: the connection's peer, or the client that a trusted peer passes on.
struct Sender {
  let peer: Peer
  /// Where in the request's head the client's address stands; nil when the peer is the client.
  private(set) var client: ByteRange?
  private(set) var scheme: Scheme

  /// The peer itself.
  init(peer: Peer) {
    self.peer = peer
    scheme = peer.scheme
  }

  /// The peer, or whom a trusted one says that it speaks for.
  ///
  /// - Parameters:
  ///   - fields: of the request's head.
  ///   - bytes: the head, as the offsets of `fields` count.
  init(peer: Peer, fields: borrowing FieldTable, bytes: Span<UInt8>, trusted: TrustedProxies) {
    self.init(peer: peer)
    if peer.isTrusted { believe(fields, bytes, trusted) }
  }

  private mutating func believe(
    _ fields: borrowing FieldTable, _ bytes: Span<UInt8>, _ trusted: TrustedProxies
  ) {
    var chain = ForwardedChain(trusted: trusted)
    var told: Scheme?
    for index in (0..<fields.count).reversed() {
      let field = fields[index]
      switch field.id {
      case .xForwardedFor: chain.read(bytes, value: field.value.range)
      case .xForwardedProto: told = told ?? Scheme(lastOf: bytes.extracting(field.value.range))
      default: break
      }
    }
    client = chain.client.map { ByteRange(lower: $0.lowerBound, upper: $0.upperBound) }
    scheme = told ?? peer.scheme
  }

  /// The client's address as the log names it.
  ///
  /// - Parameter bytes: the head that this sender was made of.
  func appendClient(from bytes: RawSpan, to writer: inout ByteWriter) {
    if let client { writer.append(bytes.extracting(client.range)) } else { writer.append(peer.name) }
  }
}

extension Scheme {
  /// Reads the last element of X-Forwarded-Proto, which is the one that the trusted peer has added, if it is a list at
  /// all; nil when that is no scheme of a web page.
  init?(lastOf value: Span<UInt8>) {
    var start = value.count
    while start > 0, value[start - 1] != UInt8(ascii: ",") { start -= 1 }
    while start < value.count, value[start] == 0x20 || value[start] == 0x09 { start += 1 }
    let word = RawSpan(_elements: value.extracting(start..<value.count))
    if word.equalsIgnoringCase("https") || word.equalsIgnoringCase("wss") {
      self = .https
    } else if word.equalsIgnoringCase("http") || word.equalsIgnoringCase("ws") {
      self = .http
    } else {
      return nil
    }
  }
}
