import EventLoop
import Glibc
import URLMap

/// One process's wish to take over, from its first word to its last. For one thread.
struct Handover {
  /// Why it came to nothing. All goes on as before.
  enum Failure: Error {
    case gone
    case late
    case notUnderstood(TakeoverMessage.NotUnderstood)
    case stopping
    case map(SnapshotError)
    case system(EventLoopError)

    /// For the operator who has started the other process; nil when nobody is there to read it.
    var sentence: String? {
      switch self {
      case .gone: nil
      case .late: "it has waited too long for this process"
      case .notUnderstood(.nonsense): "it does not understand what this process says"
      case .notUnderstood(.otherVersion(let version)):
        "it speaks version \(TakeoverMessage.version) of the protocol and not \(version): restart without --takeover"
      case .stopping: "it was told to stop"
      case .map(let error): "its map is not on the disk: \(error)"
      case .system(let error): error.description
      }
    }
  }

  private static let helloMs: UInt64 = 10_000
  /// For the load of a large map from a slow disk.
  private static let readyMs: UInt64 = 600_000
  private static let takenMs: UInt64 = 30_000

  let channel: LocalChannel
  let subject: TakeoverSubject
  let rendezvous: [String: LocalListener]
  /// Rings when this process shall stop.
  let bell: Doorbell
  /// Whether it has rung.
  let isStopping: () -> Bool
  /// Called when others come meanwhile.
  let refuseOthers: () -> Void

  /// Returns when the other process accepts.
  ///
  /// - Throws: ``Failure``; the map is this process's then, as before.
  func run() throws(Failure) -> Successor {
    var holdsMap = false
    do throws(Failure) {
      return try converse(holdsMap: &holdsMap)
    } catch {
      if holdsMap { subject.memory.goOn() }
      if let sentence = error.sentence { try? channel.send(TakeoverMessage.refused(sentence).bytes) }
      throw error
    }
  }

  private func converse(holdsMap: inout Bool) throws(Failure) -> Successor {
    guard case .hello(let clients, let operators, let map) = try next(withinMs: Self.helloMs) else {
      throw .notUnderstood(.nonsense)
    }
    let handed = (
      subject.clients.filter { clients.contains($0.name) },
      subject.operators.filter { operators.contains($0.name) }
    )
    for place in handed.0 { try send(place, .clients) }
    for place in handed.1 { try send(place, .admin) }
    for place in handed.0 { try sendRendezvous(place.name) }
    let hasMap = map != nil && map == subject.memory.lockIdentity
    try send(.offer(hasYourMap: hasMap, watchdogMs: subject.watchdogMs, modes: subject.modes))
    while true {
      switch try next(withinMs: Self.readyMs) {
      case .wantsMap where hasMap && !holdsMap:
        do throws(SnapshotError) { try subject.memory.hold() } catch { throw .map(error) }
        holdsMap = true
        try sendLock()
      case .ready:
        try send(.yours)
        // From here on it is the other's: a wish to stop has to wait.
        guard try next(withinMs: Self.takenMs, evenIfStopping: true) == .taken else {
          throw .notUnderstood(.nonsense)
        }
        if holdsMap {
          subject.memory.passOn { [channel] in
            try? channel.send(TakeoverMessage.changes($0).bytes)
          }
        }
        return Successor(
          processID: channel.peer.processID,
          addresses: Set((handed.0 + handed.1).flatMap { $0.sockets.map(\.address) }))
      default: throw .notUnderstood(.nonsense)
      }
    }
  }

  // MARK: Sending

  private func send(_ message: TakeoverMessage, _ descriptors: [Int32] = []) throws(Failure) {
    do throws(EventLoopError) {
      try channel.send(message.bytes, descriptors)
    } catch {
      switch error {
      case .system(_, EPIPE), .system(_, ECONNRESET): throw .gone
      case .system, .noBase: throw .system(error)
      }
    }
  }

  private func send(
    _ place: TakeoverSubject.Place, _ purpose: TakeoverMessage.SocketPurpose
  ) throws(Failure) {
    for box in place.sockets {
      let copy: SocketBox
      do throws(EventLoopError) { copy = try box.duplicate() } catch { throw .system(error) }
      guard let socket = copy.take() else { continue }
      try send(.sockets(purpose, place: place.name, outliveUs: box.outlivesUs), [socket.descriptor])
    }
  }

  private func sendRendezvous(_ place: String) throws(Failure) {
    guard let listener = rendezvous[place] else { return }
    try send(.sockets(.rendezvous, place: place, outliveUs: false), [listener.descriptor])
  }

  private func sendLock() throws(Failure) {
    guard let descriptor = subject.memory.lockDescriptor() else {
      throw .system(.system(call: "fcntl", errno: EMFILE))
    }
    defer { close(descriptor) }
    try send(.map, [descriptor])
  }

  // MARK: Receiving

  private func next(
    withinMs limitMs: UInt64, evenIfStopping: Bool = false
  ) throws(Failure) -> TakeoverMessage {
    let deadlineMs = EventLoop.monotonicMs() &+ limitMs
    while true {
      let nowMs = EventLoop.monotonicMs()
      guard nowMs < deadlineMs else { throw .late }
      let watched = [channel.descriptor] + rendezvous.values.map(\.descriptor)
      let ready = readable(
        among: evenIfStopping ? watched : watched + [bell.descriptor],
        atMostMs: Int32(clamping: deadlineMs &- nowMs))
      if !evenIfStopping, isStopping() { throw .stopping }
      if ready.contains(channel.descriptor) { return try received() }
      if !ready.isEmpty { refuseOthers() }
    }
  }

  private func received() throws(Failure) -> TakeoverMessage {
    let received: LocalChannel.Received
    do throws(EventLoopError) { received = try channel.receive(atMostMs: 0) } catch { throw .system(error) }
    switch received {
    case .message(let bytes, _):
      do throws(TakeoverMessage.NotUnderstood) {
        return try TakeoverMessage(bytes)
      } catch {
        throw .notUnderstood(error)
      }
    case .end, .nothing: throw .gone
    }
  }
}
