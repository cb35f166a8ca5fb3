import Proxy
import URLMap

/// What two processes say to each other while one takes over from the other, a message a packet:
///
///     "RLVO" | version, 2 bytes | kind, 1 byte | what the kind has
///
/// Numbers are little-endian; a text is its length in 2 bytes and its UTF-8; a list is its length in 2 bytes and its items.
///
///     the new one                                  the one that runs
///       hello: the places that it listens at  ──►
///                                             ◄──  sockets …, offer; or refused
///       wantsMap, where both keep the same    ──►
///                                             ◄──  map: all is in its file, and stays as it is
///       ready: the map is loaded              ──►
///                                             ◄──  yours
///       taken: it accepts                     ──►
///                                             ◄──  changes of the map, until it ends
///
/// Until `taken` the one that runs goes on as if nothing had happened when the other's end closes, or says what makes no sense.
enum TakeoverMessage: Equatable {
  /// The names of the places where clients and operators are to connect (``TakeoverPlace``), and the lock of the map file.
  case hello(clients: [String], admin: [String], map: MapLock.Identity?)
  /// One line for the operator. The same in every version.
  case refused(String)
  /// Descriptors are beside it, all of one place.
  case sockets(SocketPurpose, place: String, outliveUs: Bool)
  /// All sockets were sent. Beside: the servers that an operator has drained or turned off, by their ids.
  case offer(hasYourMap: Bool, watchdogMs: UInt64?, modes: [String: OriginMode])
  case wantsMap
  /// The descriptor of the lock is beside it.
  case map
  case ready
  case yours
  case taken
  /// As ``MapKeeper/passOn(to:)`` tells them.
  case changes([UInt8])

  enum SocketPurpose: UInt8 {
    case clients, admin
    /// Where the next one asks to take over.
    case rendezvous
  }

  /// Changes with anything that is sent, but for `refused`.
  static let version: UInt16 = 1
  /// Places of each kind, and servers, at most.
  static let limitPlaces = 256

  private enum Kind: UInt8 {
    case refused, hello, sockets, offer, wantsMap, map, ready, yours, taken, changes
  }

  private static let magic = Array("RLVO".utf8)

  var bytes: [UInt8] {
    var writer = Writer()
    writer.bytes = Self.magic
    writer.number(Self.version)
    writer.byte(kind.rawValue)
    switch self {
    case .hello(let clients, let admin, let map):
      writer.texts(clients)
      writer.texts(admin)
      writer.number(map?.device ?? 0)
      writer.number(map?.file ?? 0)
    case .refused(let sentence): writer.text(sentence)
    case .sockets(let purpose, let place, let outliveUs):
      writer.byte(purpose.rawValue)
      writer.byte(outliveUs ? 1 : 0)
      writer.text(place)
    case .offer(let hasYourMap, let watchdogMs, let modes):
      writer.byte(hasYourMap ? 1 : 0)
      writer.number(watchdogMs ?? 0)
      writer.texts(modes.keys.sorted())
      for id in modes.keys.sorted().prefix(Self.limitPlaces) { writer.byte(modes[id]?.rawValue ?? 0) }
    case .changes(let changes): writer.bytes += changes
    case .wantsMap, .map, .ready, .yours, .taken: break
    }
    return writer.bytes
  }

  private var kind: Kind {
    switch self {
    case .hello: .hello
    case .refused: .refused
    case .sockets: .sockets
    case .offer: .offer
    case .wantsMap: .wantsMap
    case .map: .map
    case .ready: .ready
    case .yours: .yours
    case .taken: .taken
    case .changes: .changes
    }
  }

  /// - Throws: ``NotUnderstood`` for all that is not exactly one message.
  init(_ bytes: [UInt8]) throws(NotUnderstood) {
    var reader = Reader(rest: bytes[...])
    guard try reader.take(Self.magic.count).elementsEqual(Self.magic) else { throw .nonsense }
    let version: UInt16 = try reader.number()
    guard let kind = Kind(rawValue: try reader.byte()) else {
      throw version == Self.version ? .nonsense : .otherVersion(version)
    }
    if version != Self.version, kind != .refused { throw .otherVersion(version) }
    switch kind {
    case .hello:
      let (clients, admin) = (try reader.texts(), try reader.texts())
      let lock = MapLock.Identity(device: try reader.number(), file: try reader.number())
      self = .hello(clients: clients, admin: admin, map: lock.file == 0 ? nil : lock)
    case .refused: self = .refused(try reader.text())
    case .sockets:
      guard let purpose = SocketPurpose(rawValue: try reader.byte()) else { throw .nonsense }
      let outliveUs = try reader.bool()
      self = .sockets(purpose, place: try reader.text(), outliveUs: outliveUs)
    case .offer:
      let hasYourMap = try reader.bool()
      let watchdogMs: UInt64 = try reader.number()
      var modes: [String: OriginMode] = [:]
      for id in try reader.texts() {
        guard let mode = OriginMode(rawValue: try reader.byte()) else { throw .nonsense }
        modes[id] = mode
      }
      self = .offer(
        hasYourMap: hasYourMap, watchdogMs: watchdogMs == 0 ? nil : watchdogMs, modes: modes)
    case .wantsMap: self = .wantsMap
    case .map: self = .map
    case .ready: self = .ready
    case .yours: self = .yours
    case .taken: self = .taken
    case .changes: self = .changes(Array(try reader.take(reader.rest.count)))
    }
    guard reader.rest.isEmpty else { throw .nonsense }
  }

  /// Why a packet is no message.
  enum NotUnderstood: Error, Equatable {
    case nonsense
    case otherVersion(UInt16)
  }
}

private struct Writer {
  var bytes: [UInt8] = []

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  mutating func number(_ value: some FixedWidthInteger & UnsignedInteger) {
    for shift in stride(from: 0, to: value.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  /// What is longer than any text that we send is cut.
  mutating func text(_ text: String) {
    let utf8 = text.utf8.prefix(Int(UInt16.max))
    number(UInt16(utf8.count))
    bytes += utf8
  }

  mutating func texts(_ texts: [String]) {
    let some = texts.prefix(TakeoverMessage.limitPlaces)
    number(UInt16(some.count))
    for text in some { self.text(text) }
  }
}

private struct Reader {
  var rest: ArraySlice<UInt8>

  mutating func take(_ count: Int) throws(TakeoverMessage.NotUnderstood) -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw .nonsense }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  mutating func byte() throws(TakeoverMessage.NotUnderstood) -> UInt8 {
    guard let byte = rest.popFirst() else { throw .nonsense }
    return byte
  }

  mutating func bool() throws(TakeoverMessage.NotUnderstood) -> Bool {
    switch try byte() {
    case 0: false
    case 1: true
    default: throw .nonsense
    }
  }

  mutating func number<Number: FixedWidthInteger & UnsignedInteger>()
    throws(TakeoverMessage.NotUnderstood) -> Number
  {
    try take(Number.bitWidth / 8).reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }

  mutating func text() throws(TakeoverMessage.NotUnderstood) -> String {
    let length: UInt16 = try number()
    guard let text = String(validating: try take(Int(length)), as: UTF8.self) else { throw .nonsense }
    return text
  }

  mutating func texts() throws(TakeoverMessage.NotUnderstood) -> [String] {
    let count: UInt16 = try number()
    guard count <= TakeoverMessage.limitPlaces else { throw .nonsense }
    var texts: [String] = []
    for _ in 0..<count { texts.append(try text()) }
    return texts
  }
}
