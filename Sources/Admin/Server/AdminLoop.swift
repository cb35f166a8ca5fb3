import EventLoop
import Logging

/// What other threads tell the admin plane's loop.
enum AdminMessage: Sendable {
  /// The answer to a request, by its number.
  case answer(UInt64, HTTPServerResponse)
  /// The next part of one.
  case part(UInt64, [UInt8])
  /// All parts were delivered.
  case partsEnd(UInt64)
  /// The parts end early.
  case partsFailed(UInt64, Refusal)
  /// Whether the password that came with a request is right by this list.
  case checked(UInt64, Credentials, Bool, by: UserList)
  /// Who may use it from now on.
  case access(Access)
  /// Accept nobody more, and let go who is here.
  case leave
  case stop
}

/// The loop of the admin plane: takes requests in, has them answered, and hands the answers over. For its thread only.
final class AdminLoop {
  /// A request that is not answered yet.
  private struct Owed {
    let exchange: HTTPExchange
    /// What is done when its client has turned out to be who it says.
    var request: AdminRequest?
    /// The head of an answer in parts that has not begun.
    var head: HTTPServerResponse?
    var pipe: PartPipe?
  }

  /// Jobs that may wait for the work thread.
  private static let workLimit = 32
  /// Answers that are made in parts at once.
  private static let partsLimit = 4
  private static let limits = HTTPServer.Limits(
    headerBytes: 16 << 10, bodyBytes: 64 << 10, requestTime: .seconds(10), idleTime: .seconds(75),
    sendTime: .seconds(30), connections: 256)

  private let loop: EventLoop
  private let mailbox: Mailbox<AdminMessage>
  private var router: AdminRouter
  private let work: WorkThread
  private let passwords: PasswordChecks?
  private let logger: Logger
  private let refusals: RefusalLog
  private var server: HTTPServer?
  private var receiver: MailboxReceiver?
  private var everySecond: LoopTimer?
  private var owed: [UInt64: Owed] = [:]
  private var nextNumber: UInt64 = 0
  private var parts = 0

  init(
    _ listeners: [AdminListener], mailbox: Mailbox<AdminMessage>, access: Access, subject: AdminSubject,
    logger: Logger
  ) throws(EventLoopError) {
    loop = try EventLoop()
    self.mailbox = mailbox
    self.logger = logger
    refusals = RefusalLog(logger: logger)
    let traffic = TrafficRecorder()
    router = AdminRouter(access: access, api: AdminAPI(subject, traffic: traffic, refusals: refusals))
    work = try WorkThread(name: "admin-work", limit: Self.workLimit)
    switch access {
    case .users(let users): passwords = try PasswordChecks(users)
    case .open, .token: passwords = nil
    }
    receiver = try mailbox.attach(to: loop) { [unowned self] in receive($0) }
    everySecond = try LoopTimer(loop: loop) { [unowned self] in
      traffic.record(subject.proxy.metrics)
      refusals.sayWhatIsDue()
    }
    // From the first request on, not from the first second.
    traffic.record(subject.proxy.metrics)
    everySecond?.startIfStopped(everyMs: TrafficRecorder.everyMs)
    let server = try HTTPServer(
      loop: loop, limits: Self.limits, errorFields: HTTPServerResponse.securityFields
    ) { [unowned self] request, exchange in
      received(AdminRequest(request), exchange)
    }
    self.server = server
    server.onTrouble = { [unowned self] trouble in
      switch trouble {
      case .shed: refusals.note(.connectionLimit)
      case .slowRequest: refusals.note(.tooSlow)
      case .badRequest: refusals.note(.malformed)
      }
    }
    for listener in listeners {
      if let socket = try listener.socket.duplicate().take() { try server.listen(on: socket) }
    }
  }

  /// Runs until told to stop.
  func run() {
    loop.run()
    // Its connections close, and with them what waits.
    server = nil
    receiver = nil
    everySecond = nil
    for one in owed.values { one.pipe?.close() }
    passwords?.stop()
    work.stop()
  }

  // MARK: Requests

  private func received(_ request: AdminRequest, _ exchange: HTTPExchange) {
    do throws(Refusal) {
      switch try router.admit(request) {
      case .granted: try handle(request, exchange)
      case .perhaps(let credentials): try check(credentials, request, exchange)
      }
    } catch {
      refuse(error, exchange)
    }
  }

  private func refuse(_ refusal: Refusal, _ exchange: HTTPExchange) {
    if let reason = RefusalReason(refusal) { refusals.note(reason) }
    exchange.answer(refusal.response.secured())
  }

  private func check(
    _ credentials: Credentials, _ request: AdminRequest, _ exchange: HTTPExchange
  ) throws(Refusal) {
    guard let passwords else { throw router.denial }
    if passwords.areKnown(credentials) { return try handle(request, exchange) }
    let number = keep(Owed(exchange: exchange, request: request))
    let isWaiting = passwords.check(credentials) { [mailbox] isRight, users in
      mailbox.send(.checked(number, credentials, isRight, by: users))
    }
    guard isWaiting else {
      forget(number)
      throw .busy("too many passwords are being checked: ask again in a second")
    }
  }

  private func checked(_ number: UInt64, _ credentials: Credentials, isRight: Bool, by users: UserList) {
    let isCurrent = passwords?.users === users
    if isRight, isCurrent { passwords?.keep(credentials) }
    guard let one = owed.removeValue(forKey: number), let request = one.request else { return }
    one.exchange.onClose = nil
    do throws(Refusal) {
      // The file was read again meanwhile.
      guard isCurrent else { return try check(credentials, request, one.exchange) }
      guard isRight else { throw router.denial }
      try handle(request, one.exchange)
    } catch {
      refuse(error, one.exchange)
    }
  }

  private func take(_ access: Access) {
    router.access = access
    if case .users(let users) = access { passwords?.users = users }
  }

  /// Does what a client wants that may have it.
  private func handle(_ request: AdminRequest, _ exchange: HTTPExchange) throws(Refusal) {
    let reply = try router.reply(to: request)
    if request.isChange {
      logger.info("the admin plane does \(request.method) \(request.target)")
    }
    switch reply {
    case .now(let response): exchange.answer(response.secured())
    case .work(let step): try startWork(step, for: exchange)
    case .parts(let head, let make): try startParts(head, make, for: exchange)
    }
  }

  /// Keeps the exchange until it is answered or its client is gone.
  private func keep(_ one: Owed) -> UInt64 {
    let number = nextNumber
    nextNumber += 1
    owed[number] = one
    one.exchange.onClose = { [unowned self] in
      owed.removeValue(forKey: number)?.pipe?.close()
    }
    return number
  }

  private func startWork(
    _ step: @escaping @Sendable () -> HTTPServerResponse?, for exchange: HTTPExchange
  ) throws(Refusal) {
    let number = keep(Owed(exchange: exchange))
    guard work.add({ [mailbox, work] in Self.doStep(step, number, mailbox, work) }) else {
      forget(number)
      throw .busy("too many others are being answered: ask again in a second")
    }
  }

  private func forget(_ number: UInt64) {
    owed.removeValue(forKey: number)?.exchange.onClose = nil
  }

  private static func doStep(
    _ step: @escaping @Sendable () -> HTTPServerResponse?, _ number: UInt64,
    _ mailbox: Mailbox<AdminMessage>, _ work: WorkThread
  ) {
    if let response = step() {
      mailbox.send(.answer(number, response))
    } else {
      work.addAgain { doStep(step, number, mailbox, work) }
    }
  }

  private func answer(_ number: UInt64, _ response: HTTPServerResponse) {
    owed.removeValue(forKey: number)?.exchange.answer(response.secured())
  }

  // MARK: Answers in parts

  private func startParts(
    _ head: HTTPServerResponse, _ make: @escaping @Sendable (PartPipe) throws -> Void,
    for exchange: HTTPExchange
  ) throws(Refusal) {
    guard parts < Self.partsLimit else {
      throw .busy("\(Self.partsLimit) exports are under way: ask again in a second")
    }
    let number = keep(Owed(exchange: exchange, head: head))
    let pipe = PartPipe { [mailbox] in mailbox.send(.part(number, $0)) }
    owed[number]?.pipe = pipe
    do throws(EventLoopError) {
      try LoopThread(name: "admin-parts") { [mailbox] in
        do {
          try make(pipe)
          mailbox.send(.partsEnd(number))
        } catch let refusal as Refusal {
          mailbox.send(.partsFailed(number, refusal))
        } catch {
          mailbox.send(.partsFailed(number, Refusal(status: 500, sentence: "\(error)")))
        }
      }.detach()
      parts += 1
    } catch {
      forget(number)
      throw .busy("the system has no thread left: ask again later")
    }
  }

  private func send(_ part: [UInt8], to number: UInt64) {
    guard let one = owed[number], let pipe = one.pipe else { return }
    if let head = one.head {
      owed[number]?.head = nil
      guard one.exchange.begin(head.secured()) else {
        owed[number] = nil
        return pipe.close()
      }
    }
    one.exchange.send(part) { pipe.taken() }
  }

  private func endParts(_ number: UInt64) {
    parts -= 1
    guard let one = owed.removeValue(forKey: number) else { return }
    if let head = one.head { return one.exchange.answer(head.secured()) }
    one.exchange.end()
  }

  private func failParts(_ number: UInt64, _ refusal: Refusal) {
    parts -= 1
    guard let one = owed.removeValue(forKey: number) else { return }
    if one.head != nil { return one.exchange.answer(refusal.response.secured()) }
    one.exchange.cut()
  }

  // MARK: Messages

  private func receive(_ message: AdminMessage) {
    switch message {
    case .answer(let number, let response): answer(number, response)
    case .part(let number, let part): send(part, to: number)
    case .partsEnd(let number): endParts(number)
    case .partsFailed(let number, let refusal): failParts(number, refusal)
    case .checked(let number, let credentials, let isRight, let users):
      checked(number, credentials, isRight: isRight, by: users)
    case .access(let access): take(access)
    case .leave: server?.stopListening()
    case .stop: loop.stop()
    }
  }
}
