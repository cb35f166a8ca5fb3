import EventLoop
import Logging
import Proxy

/// The admin plane: an HTTP server on its own loop and thread, so that it never holds up the proxy.
public final class AdminServer: Sendable {
  private let configuration: AdminConfiguration
  private let subject: AdminSubject
  private let logger: Logger
  private let running = Locked(Running())

  private struct Running: ~Copyable {
    var listeners: [AdminListener] = []
    var mailbox: Mailbox<AdminMessage>?
    var thread: LoopThread?
  }

  public init(_ configuration: AdminConfiguration, subject: AdminSubject, logger: Logger) {
    self.configuration = configuration
    self.subject = subject
    self.logger = logger
  }

  /// Binds the listeners and starts the thread.
  ///
  /// - Parameter inherited: sockets of other processes; those of the addresses to listen on are taken in place of binding.
  /// - Throws: ``AdminStartError``; nothing is left running then.
  public func start(inheriting inherited: InheritedSockets = InheritedSockets()) throws(AdminStartError) {
    let access: Access
    do throws(CredentialFileError) {
      access = try configuration.credentials.read()
    } catch {
      throw .credentials(error)
    }
    var listeners: [AdminListener] = []
    for address in configuration.listeners {
      listeners += try AdminListener.bind(
        address, inheriting: inherited, toOthers: configuration.credentials != .none)
    }
    do throws(EventLoopError) {
      let mailbox = try Mailbox<AdminMessage>()
      let thread = try LoopThread(name: "admin") { [listeners, logger, subject] in
        do throws(EventLoopError) {
          try AdminLoop(listeners, mailbox: mailbox, access: access, subject: subject, logger: logger).run()
        } catch {
          logger.critical("the admin plane can't start", metadata: ["cause": "\(error)"])
        }
      }
      running.withLock { running in
        running.listeners = listeners
        running.mailbox = mailbox
      }
      keep(thread)
    } catch {
      throw .system(error.description)
    }
  }

  /// What a file of credentials holds, for ``use(_:)``.
  public struct FreshCredentials: Sendable {
    let access: Access
  }

  /// Reads the file of the credentials again, and changes nothing. Any thread may call it; blocks for the file.
  ///
  /// - Throws: ``CredentialFileError`` when the file can't be used.
  public func readCredentials() throws(CredentialFileError) -> FreshCredentials {
    FreshCredentials(access: try configuration.credentials.read())
  }

  /// What was read is in force for every request from now on, also on connections that are open. Any thread may call it once
  /// it has started.
  public func use(_ credentials: FreshCredentials) {
    running.withLock { $0.mailbox }?.send(.access(credentials.access))
  }

  private func keep(_ thread: consuming LoopThread) {
    var thread: LoopThread? = consume thread
    running.withLock { $0.thread = thread.take() }
  }

  /// Where it can be reached: `127.0.0.1:9000`, `[::1]:9000`, `unix:/path`.
  public var listeningOn: [String] {
    running.withLock { $0.listeners.map(\.address.description) }
  }

  /// The sockets that it accepts on, for another process that is to accept on them as well. Any thread may ask.
  public var sockets: [SocketBox] {
    running.withLock { $0.listeners.map(\.socket) }
  }

  /// The process that had the inherited sockets accepts on them no more: the files of unix sockets go with this one.
  public func ownSockets() {
    running.withLock { for listener in $0.listeners { listener.own() } }
  }

  /// Accepts nobody more: another process does, on the sockets of these addresses. Who has asked is answered, and then its
  /// connection closed, so that it comes to that one the next time.
  public func leave(_ left: Set<SocketAddress>) {
    running.withLock { running in
      running.mailbox?.send(.leave)
      for listener in running.listeners where left.contains(listener.address) { listener.leave() }
      running.listeners = []
    }
  }

  /// Ends the thread and waits for that. What is being answered is cut off. May be called again.
  public func stop() {
    running.withLock { $0.mailbox }?.send(.stop)
    running.withLock { $0.thread.take() }?.join()
    // With the last reference to them the files of unix sockets go.
    running.withLock { $0.listeners = [] }
  }
}
