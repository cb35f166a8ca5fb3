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
  case stop
}

/// The loop of the admin plane: takes requests in, has them answered, and hands the answers over. For its thread only.
final class AdminLoop {
  /// A request that is not answered yet.
  private struct Owed {
    let exchange: HTTPExchange
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
  private let router: AdminRouter
  private let work: WorkThread
  private var server: HTTPServer?
  private var receiver: MailboxReceiver?
  private var recording: LoopTimer?
  private var owed: [UInt64: Owed] = [:]
  private var nextNumber: UInt64 = 0
  private var parts = 0

  init(
    _ listeners: [AdminListener], mailbox: Mailbox<AdminMessage>, access: Access, subject: AdminSubject
  ) throws(EventLoopError) {
    loop = try EventLoop()
    self.mailbox = mailbox
    let traffic = TrafficRecorder()
    router = AdminRouter(access: access, api: AdminAPI(subject, traffic: traffic))
    work = try WorkThread(name: "admin-work", limit: Self.workLimit)
    receiver = try mailbox.attach(to: loop) { [unowned self] in receive($0) }
    recording = try LoopTimer(loop: loop) { traffic.record(subject.proxy.metrics) }
    // From the first request on, not from the first second.
    traffic.record(subject.proxy.metrics)
    recording?.startIfStopped(everyMs: TrafficRecorder.everyMs)
    let server = try HTTPServer(loop: loop, limits: Self.limits) { [unowned self] request, exchange in
      received(AdminRequest(request), exchange)
    }
    self.server = server
    for listener in listeners {
      if let socket = listener.take() { try server.listen(on: socket) }
    }
  }

  /// Runs until told to stop.
  func run() {
    loop.run()
    // Its connections close, and with them what waits.
    server = nil
    receiver = nil
    recording = nil
    for one in owed.values { one.pipe?.close() }
    work.stop()
  }

  // MARK: Requests

  private func received(_ request: AdminRequest, _ exchange: HTTPExchange) {
    let reply: Reply
    do throws(Refusal) {
      reply = try router.reply(to: request)
    } catch {
      return exchange.answer(error.response.secured())
    }
    switch reply {
    case .now(let response): exchange.answer(response.secured())
    case .work(let step): startWork(step, for: exchange)
    case .parts(let head, let make): startParts(head, make, for: exchange)
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

  private func startWork(_ step: @escaping @Sendable () -> HTTPServerResponse?, for exchange: HTTPExchange) {
    let number = keep(Owed(exchange: exchange))
    guard work.add({ [mailbox, work] in Self.doStep(step, number, mailbox, work) }) else {
      return answer(
        number, Refusal.busy("too many others are being answered: ask again in a second").response)
    }
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
  ) {
    guard parts < Self.partsLimit else {
      let refusal = Refusal.busy("\(Self.partsLimit) others are being exported to: ask again in a second")
      return exchange.answer(refusal.response.secured())
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
      answer(number, Refusal.busy("the system has no thread left: ask again later").response)
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
    case .stop: loop.stop()
    }
  }
}
