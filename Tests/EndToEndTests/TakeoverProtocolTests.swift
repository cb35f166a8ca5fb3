import EventLoop
import Foundation
import Testing
import URLMap

@testable import relevo

/// A running Relevo and another process that says what it likes, byte for byte, in either place.
@Suite("Takeover, when one of the two misbehaves")
struct TakeoverProtocolTests {
  private let folder: TemporaryFolder
  private let new: ScriptedOrigin
  private let old: ScriptedOrigin

  init() throws {
    folder = try TemporaryFolder()
    new = try .always(404, "missing")
    old = try .always(200, "old")
  }

  private var map: String { folder.path("urls.map") }

  private func relevo(_ flags: String...) throws -> Relevo {
    try Relevo(new: [new], old: [old], flags: flags + ["--map-file", map, "--debug-headers"])
  }

  private func next(after relevo: Relevo) throws -> Relevo {
    try self.relevo("--takeover", "--listen", "127.0.0.1:\(relevo.port)")
  }

  /// What asks the running one to hand over.
  private func caller(_ relevo: Relevo) throws -> LocalChannel {
    try LocalChannel(to: TakeoverPlace.rendezvous("127.0.0.1:\(relevo.port)"))
  }

  private func hello(_ relevo: Relevo) -> TakeoverMessage {
    .hello(clients: ["127.0.0.1:\(relevo.port)"], admin: [], map: MapLock.identity(mapPath: map))
  }

  private func message(_ channel: LocalChannel) throws -> TakeoverMessage? {
    guard case .message(let bytes, _) = try channel.receive(atMostMs: 10_000) else { return nil }
    return try TakeoverMessage(bytes)
  }

  /// Says all of these, and reads what comes up to the answer to each.
  private func say(_ messages: [TakeoverMessage], to channel: LocalChannel) throws {
    for said in messages {
      try channel.send(said.bytes)
      while case .sockets? = try message(channel) {}
    }
  }

  /// What the journal of the map holds.
  private var journals: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.contains("journal") }.compactMap { try? folder.read($0) }
  }

  /// The running one has changed nothing, learns and keeps.
  private func goesOn(_ relevo: Relevo, _ target: String) throws {
    _ = try relevo.process.errors.wait("the line that all goes on") {
      $0.contains("nobody has taken over, all goes on as before")
    }
    #expect(try Client(relevo.port).get(target).text == "old")
    #expect(eventually { journals.contains { $0.contains(target) } })
  }

  @Test(
    "who leaves before the last word leaves all as it was, the keeping of the map too",
    arguments: [[], [.wantsMap], [.wantsMap, .ready], [.ready]] as [[TakeoverMessage]])
  func leaves(messages: [TakeoverMessage]) throws {
    let relevo = try relevo()
    try say([hello(relevo)] + messages, to: caller(relevo))
    try goesOn(relevo, "/learned")
    let next = try next(after: relevo)
    #expect(try relevo.process.wait(.after(15)) == .code(0))
    #expect(try Client(next.port).get("/learned")["X-Relevo-Route"] == "old-map")
    #expect(try next.terminate() == .code(0))
  }

  @Test("what makes no sense is refused in words, and changes nothing")
  func nonsense() throws {
    let relevo = try relevo()
    var later = hello(relevo).bytes
    later[4] = 9
    for (bytes, sentence) in [
      (Array("GET / HTTP/1.1\r\n\r\n".utf8), "it does not understand what this process says"),
      (TakeoverMessage.taken.bytes, "it does not understand what this process says"),
      ([UInt8](repeating: 1, count: 150_000), "recvmsg: Message too long"),
      (later, "it speaks version 1 of the protocol and not 9: restart without --takeover"),
    ] {
      let channel = try caller(relevo)
      try channel.send(bytes)
      #expect(try message(channel) == .refused(sentence))
    }
    let channel = try caller(relevo)
    try say([hello(relevo), .wantsMap], to: channel)
    try channel.send(TakeoverMessage.taken.bytes)
    #expect(try message(channel) == .refused("it does not understand what this process says"))
    try goesOn(relevo, "/learned")
    #expect(try relevo.terminate() == .code(0))
  }

  @Test("while one takes over, a second one is told so, and ends with 75; the first may go on")
  func second() throws {
    let relevo = try relevo()
    let channel = try caller(relevo)
    try say([hello(relevo)], to: channel)
    let second = try ChildProcess(
      Relevo.binary,
      ["serve", "--takeover", "--listen", "127.0.0.1:\(relevo.port)", "--new", new.url, "--old", old.url])
    #expect(try second.wait() == .code(75))
    #expect(
      try second.errors.untilEnd()
        == [
          "relevo: process \(relevo.process.pid) can't be taken over from: process \(getpid()) is taking over already"
        ])
    try say([.wantsMap], to: channel)
    try say([.ready], to: channel)
    try channel.send(TakeoverMessage.taken.bytes)
    #expect(try relevo.process.wait(.after(15)) == .code(0))
  }

  @Test("SIGTERM during a takeover ends it, and the process")
  func stopped() throws {
    let relevo = try relevo()
    let channel = try caller(relevo)
    try say([hello(relevo), .wantsMap], to: channel)
    relevo.process.signal(SIGTERM)
    #expect(try message(channel) == .refused("it was told to stop"))
    #expect(try relevo.process.wait(.after(15)) == .code(0))
  }

  /// What stands in the place of a running Relevo.
  private final class Pretender {
    let socket: ListeningSocket
    let listener: LocalListener

    init() throws {
      let address = try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first)
      socket = try ListeningSocket(address: address, shared: false)
      listener = try LocalListener(name: TakeoverPlace.rendezvous(socket.address.description))
    }

    /// Answers who asks next, and hangs up.
    func answer(_ messages: [[UInt8]], handingOver: Bool = false) throws {
      try #require(!readable(among: [listener.descriptor], atMostMs: 10_000).isEmpty)
      let channel = try #require(listener.accept())
      _ = try channel.receive(atMostMs: 10_000)
      if handingOver {
        let sockets = TakeoverMessage.sockets(.clients, place: "\(socket.address)", outliveUs: false)
        try channel.send(sockets.bytes, [socket.descriptor])
      }
      for message in messages { try channel.send(message) }
    }
  }

  private func taker(of pretender: Pretender) throws -> ChildProcess {
    try ChildProcess(
      Relevo.binary,
      [
        "serve", "--takeover", "--listen", "\(pretender.socket.address)", "--new", new.url, "--old", old.url,
        "--no-startup-probes", "--map-file", map,
      ])
  }

  @Test("a running one that dies when it has handed its sockets over is replaced all the same")
  func dies() throws {
    let pretender = try Pretender()
    let client = try Client(pretender.socket.address.port)
    let process = try taker(of: pretender)
    try pretender.answer(
      [TakeoverMessage.offer(hasYourMap: false, watchdogMs: nil, modes: [:]).bytes], handingOver: true)
    #expect(try process.listeningPort() == pretender.socket.address.port)
    // It had waited before.
    #expect(try client.get("/").text == "old")
    _ = try process.errors.wait("the warning") { $0.contains("this one goes on alone") }
    process.signal(SIGTERM)
    #expect(try process.wait() == .code(0))
  }

  @Test("a running one that says what makes no sense, or refuses, ends the next with one line")
  func otherVersion() throws {
    var later = TakeoverMessage.ready.bytes
    later[4] = 9
    for (answer, line, code) in [
      (later, "says what this version does not understand: restart without --takeover", Int32(69)),
      (TakeoverMessage.refused("it is tired").bytes, "can't be taken over from: it is tired", 75),
    ] {
      let pretender = try Pretender()
      let process = try taker(of: pretender)
      try pretender.answer([answer])
      #expect(try process.wait() == .code(code))
      #expect(try process.errors.untilEnd() == ["relevo: process \(getpid()) \(line)"])
    }
  }
}
