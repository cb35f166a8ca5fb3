import EventLoop
import Glibc
import Logging
import Proxy
import URLMap

/// The process that this one takes over from, as this one sees it. For the main thread.
///
/// When it ends on the way, this process goes on alone: it has all the sockets already.
final class Predecessor {
  /// How long it may take to say what it has.
  private static let offerMs: Int32 = 10_000
  /// How long it may take to bring its map to the disk.
  private static let mapMs: Int32 = 600_000
  private static let answerMs: Int32 = 30_000

  let processID: Int32
  /// Where clients connect.
  private var clients: [SocketBox] = []
  /// Where operators and their tools connect.
  private var admin: [SocketBox] = []
  /// Where the next one asks to take over, by place.
  private(set) var rendezvous: [String: LocalListener] = [:]
  /// How often the service manager wants to hear of that process.
  private(set) var watchdogMs: UInt64?
  /// The servers that an operator has drained or turned off, by their ids.
  private(set) var modes: [String: OriginMode] = [:]
  private let channel: LocalChannel
  private let logger: Logger
  private var hasOurMap = false
  private var isGone = false

  /// Looks for the process that listens at one of these addresses, and asks it for its sockets.
  ///
  /// - Returns: nil when there is none.
  /// - Throws: ``CommandFailure`` when there are several, or the one there can't be taken over from. It goes on then.
  static func find(
    clients: [SocketAddress], admin: [SocketAddress], mapPath: String?, logger: Logger
  ) throws(CommandFailure) -> Predecessor? {
    let places = clients.compactMap(TakeoverPlace.name)
    guard places.count <= TakeoverMessage.limitPlaces, admin.count <= TakeoverMessage.limitPlaces else {
      throw CommandFailure("--takeover takes \(TakeoverMessage.limitPlaces) addresses at most", code: .usage)
    }
    var found: LocalChannel?
    for place in places {
      guard let channel = try connect(place) else { continue }
      guard TakeoverPlace.isTrusted(channel.peer) else {
        throw CommandFailure(
          "user \(channel.peer.userID) runs what listens on \(place), and this is user \(geteuid()): start as that user to take over",
          code: .unavailable)
      }
      if let other = found, other.peer != channel.peer {
        throw CommandFailure(
          "processes \(other.peer.processID) and \(channel.peer.processID) share these addresses: --takeover takes over from one",
          code: .unavailable)
      }
      found = found ?? channel
    }
    guard let found else {
      logger.info("--takeover: no Relevo runs on these addresses, this is a start like any other")
      return nil
    }
    let predecessor = Predecessor(found, logger)
    try predecessor.ask(
      .hello(
        clients: places, admin: admin.compactMap(TakeoverPlace.name),
        map: mapPath.flatMap { MapLock.identity(mapPath: $0) }))
    return predecessor
  }

  private static func connect(_ place: String) throws(CommandFailure) -> LocalChannel? {
    do throws(EventLoopError) {
      return try LocalChannel(to: TakeoverPlace.rendezvous(place))
    } catch {
      switch error {
      case .system(_, ECONNREFUSED): return nil
      case .system, .noBase:
        throw CommandFailure("can't ask what listens on \(place) to hand over: \(error)", code: .temporary)
      }
    }
  }

  private init(_ channel: LocalChannel, _ logger: Logger) {
    self.channel = channel
    self.logger = logger
    processID = channel.peer.processID
  }

  // MARK: The conversation

  private func ask(_ hello: TakeoverMessage) throws(CommandFailure) {
    send(hello)
    while let (message, descriptors) = try next(withinMs: Self.offerMs) {
      switch message {
      case .sockets(let purpose, let place, let outliveUs):
        for descriptor in descriptors { try keep(descriptor, purpose, place, outliveUs: outliveUs) }
      case .offer(let hasYourMap, let watchdogMs, let modes):
        (hasOurMap, self.watchdogMs, self.modes) = (hasYourMap, watchdogMs, modes)
        return logger.info(
          "taking over from process \(processID)", metadata: ["sockets": "\(clients.count + admin.count)"])
      default: throw nonsense
      }
    }
  }

  private func keep(
    _ descriptor: HandedDescriptor, _ purpose: TakeoverMessage.SocketPurpose, _ place: String, outliveUs: Bool
  ) throws(CommandFailure) {
    guard let number = descriptor.take() else { return }
    do throws(NotAListener) {
      switch purpose {
      case .clients:
        clients.append(SocketBox(try ListeningSocket(inheriting: number, outlivesUs: outliveUs)))
      case .admin:
        admin.append(SocketBox(try ListeningSocket(inheriting: number, outlivesUs: outliveUs)))
      case .rendezvous:
        rendezvous[place] = try LocalListener(
          inheriting: number, name: TakeoverPlace.rendezvous(place))
      }
    } catch {
      throw CommandFailure(
        "process \(processID) hands over a descriptor that \(error): restart without --takeover",
        code: .unavailable)
    }
  }

  /// The sockets that it hands over, where clients and where operators connect. Once.
  func takeSockets() -> (clients: [SocketBox], admin: [SocketBox]) {
    defer { (clients, admin) = ([], []) }
    return (clients, admin)
  }

  /// The lock of the map file, once that process has written everything and will not write again; nil when it has another
  /// file, or none.
  func mapLock(_ path: String) throws(CommandFailure) -> MapLock? {
    guard hasOurMap, !isGone else { return nil }
    send(.wantsMap)
    guard let (message, descriptors) = try next(withinMs: Self.mapMs) else { return nil }
    guard message == .map, let number = descriptors.first?.take() else { throw nonsense }
    do throws(SnapshotError) {
      return try MapLock(mapPath: path, inheriting: number)
    } catch {
      throw CommandFailure("--map-file \(error)", code: .temporary)
    }
  }

  /// Everything is loaded: returns when that process leaves the place to this one, which shall accept at once.
  func awaitTurn() throws(CommandFailure) {
    send(.ready)
    guard let (message, _) = try next(withinMs: Self.answerMs) else { return }
    guard message == .yours else { throw nonsense }
  }

  /// This process accepts, and the service manager knows: the other one shall stop accepting. What its map learns while it
  /// ends comes into `map`, on a thread of its own.
  func leave(passingOnTo map: URLMap) throws(EventLoopError) {
    send(.taken)
    guard !isGone else { return }
    try LoopThread(name: "takeover") { [channel] in
      while case .message(let bytes, _)? = try? channel.receive(atMostMs: -1) {
        guard case .changes(let changes)? = try? TakeoverMessage(bytes) else { return }
        map.apply(changes: changes)
      }
    }.detach()
  }

  // MARK: Messages

  /// A message that does not arrive shows in the lack of an answer.
  private func send(_ message: TakeoverMessage) { try? channel.send(message.bytes) }

  /// Nil when that process has ended.
  private func next(
    withinMs limitMs: Int32
  ) throws(CommandFailure) -> (TakeoverMessage, [HandedDescriptor])? {
    if isGone { return nil }
    switch try? channel.receive(atMostMs: limitMs) {
    case .message(let bytes, let descriptors): return (try understood(bytes), descriptors)
    case .end:
      isGone = true
      logger.warning("process \(processID) has ended before it had handed over all: this one goes on alone")
      return nil
    case .nothing:
      throw CommandFailure(
        "process \(processID) does not answer: it goes on, this one ends", code: .temporary)
    case nil: throw nonsense
    }
  }

  private func understood(_ bytes: [UInt8]) throws(CommandFailure) -> TakeoverMessage {
    guard let message = try? TakeoverMessage(bytes) else { throw nonsense }
    guard case .refused(let sentence) = message else { return message }
    throw CommandFailure("process \(processID) can't be taken over from: \(sentence)", code: .temporary)
  }

  private var nonsense: CommandFailure {
    CommandFailure(
      "process \(processID) says what this version does not understand: restart without --takeover",
      code: .unavailable)
  }
}
