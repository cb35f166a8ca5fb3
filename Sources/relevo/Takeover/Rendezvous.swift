import EventLoop
import Glibc
import Logging
import Synchronization

/// Where another process can ask to take over from this one, on a thread that does nothing else.
///
/// There is a name in the abstract namespace for each place where clients connect. Nothing is on the disk, and nothing is left
/// over when the process ends.
final class Rendezvous: Sendable {
  private let subject: TakeoverSubject
  private let logger: Logger
  private let bell: Doorbell
  private let isClosing = Atomic<Bool>(false)
  private let state: Locked<State>

  private struct State: ~Copyable {
    var listeners: [String: LocalListener]
    var thread: LoopThread?
    var successor: Successor?
  }

  /// Listens from now on. What can't be had is said in the log: Relevo serves without it.
  ///
  /// - Parameters:
  ///   - inherited: the listeners of the process that this one has taken over from, by place.
  ///   - taken: called on the thread when another process has taken over. ``close()`` tells which.
  init(
    _ subject: TakeoverSubject, inheriting inherited: [String: LocalListener], logger: Logger,
    taken: @escaping @Sendable () -> Void
  ) throws(EventLoopError) {
    self.subject = subject
    self.logger = logger
    bell = try Doorbell()
    var listeners: [String: LocalListener] = [:]
    for place in subject.clients.map(\.name) {
      do throws(EventLoopError) {
        let listener = inherited[place]
        listeners[place] =
          if let listener { listener } else { try LocalListener(name: TakeoverPlace.rendezvous(place)) }
      } catch {
        logger.warning(
          "nobody will be able to take over \(place) from this process: @\(TakeoverPlace.rendezvous(place)): \(error)"
        )
      }
    }
    state = Locked(State(listeners: listeners))
    var thread: LoopThread? = try LoopThread(name: "rendezvous") { [self] in run(taken) }
    state.withLock { $0.thread = thread.take() }
  }

  /// Ends the thread, and a takeover that is not past the point of return. May be called again.
  ///
  /// - Returns: the process that has taken over; nil when none has.
  func close() -> Successor? {
    isClosing.store(true, ordering: .relaxed)
    bell.ring()
    state.withLock { $0.thread.take() }?.join()
    return state.withLock { state in
      state.listeners = [:]
      return state.successor
    }
  }

  // MARK: The thread

  private func run(_ taken: () -> Void) {
    let listeners = state.withLock { $0.listeners }
    let watched = listeners.values.map(\.descriptor) + [bell.descriptor]
    while !isClosing.load(ordering: .relaxed) {
      let ready = readable(among: watched)
      for listener in listeners.values where ready.contains(listener.descriptor) {
        guard let channel = listener.accept(), let successor = serve(channel, listeners) else { continue }
        state.withLock { $0.successor = successor }
        return taken()
      }
    }
  }

  private func serve(_ channel: LocalChannel, _ listeners: [String: LocalListener]) -> Successor? {
    let process = channel.peer.processID
    guard TakeoverPlace.isTrusted(channel.peer) else {
      logger.warning("process \(process) of user \(channel.peer.userID) may not take over from this one")
      try? channel.send(TakeoverMessage.refused("it runs as another user, \(geteuid())").bytes)
      return nil
    }
    let handover = Handover(
      channel: channel, subject: subject, rendezvous: listeners, bell: bell,
      isStopping: { self.isClosing.load(ordering: .relaxed) },
      refuseOthers: { Self.refuse(listeners, because: "process \(process) is taking over already") })
    do throws(Handover.Failure) {
      return try handover.run()
    } catch {
      let reason =
        error.sentence.map { "process \(process) was told: \($0)" } ?? "process \(process) has ended"
      logger.warning("nobody has taken over, all goes on as before: \(reason)")
      return nil
    }
  }

  private static func refuse(_ listeners: [String: LocalListener], because sentence: String) {
    for listener in listeners.values {
      while let channel = listener.accept() {
        if TakeoverPlace.isTrusted(channel.peer) {
          try? channel.send(TakeoverMessage.refused(sentence).bytes)
        }
      }
    }
  }
}
