import EventLoop
import Glibc
import Testing
import URLMap

@testable import relevo

@Suite("what two processes say to each other in a takeover")
struct TakeoverMessageTests {
  private static let messages: [TakeoverMessage] = [
    .hello(
      clients: ["127.0.0.1:80", "unix/1:2"], admin: [], map: MapLock.Identity(device: 1 << 40, file: 3)),
    .hello(clients: [], admin: ["[::1]:9"], map: nil),
    .refused("it was told to stop"), .sockets(.admin, place: "127.0.0.1:80", outliveUs: true),
    .sockets(.rendezvous, place: "", outliveUs: false),
    .offer(hasYourMap: true, watchdogMs: nil, modes: ["web1": .drain, "web2": .off]),
    .offer(hasYourMap: false, watchdogMs: 30_000, modes: [:]), .wantsMap, .map, .ready, .yours, .taken,
    .changes([1, 2, 3]),
  ]

  @Test("comes out as it was put in, and no part of it passes for one", arguments: messages)
  func roundTrip(message: TakeoverMessage) throws {
    let bytes = message.bytes
    #expect(try TakeoverMessage(bytes) == message)
    if case .changes = message { return }
    for length in bytes.indices {
      #expect(throws: TakeoverMessage.NotUnderstood.nonsense) { try TakeoverMessage(Array(bytes[..<length])) }
    }
    #expect(throws: TakeoverMessage.NotUnderstood.nonsense) { try TakeoverMessage(bytes + [0]) }
  }

  @Test("of another version is told apart, and a refusal is understood in every version")
  func otherVersion() throws {
    for message in Self.messages {
      var bytes = message.bytes
      bytes[4] = 7
      if case .refused = message {
        #expect(try TakeoverMessage(bytes) == message)
      } else {
        #expect(throws: TakeoverMessage.NotUnderstood.otherVersion(7)) { try TakeoverMessage(bytes) }
      }
    }
    #expect(throws: TakeoverMessage.NotUnderstood.otherVersion(7)) {
      try TakeoverMessage(Array("RLVO".utf8) + [7, 0, 99])
    }
  }

  @Test("is read from any bytes without a trap")
  func anyBytes() {
    var random = SystemRandomNumberGenerator()
    for message in Self.messages {
      for _ in 0..<300 {
        var bytes = message.bytes
        let place = Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] = UInt8.random(in: 0...255, using: &random)
        _ = try? TakeoverMessage(bytes)
      }
    }
  }

  @Test("with a process of another user is not trusted, with one of root it is")
  func trust() {
    #expect(TakeoverPlace.isTrusted(.init(processID: 1, userID: 0)))
    #expect(TakeoverPlace.isTrusted(.init(processID: 1, userID: geteuid())))
    #expect(!TakeoverPlace.isTrusted(.init(processID: 1, userID: geteuid() &+ 1)))
  }

  @Test("names a place alike whatever path leads to its socket, and none that is not there")
  func places() throws {
    let folder = "/tmp/relevo-place-\(getpid())"
    mkdir(folder, 0o700)
    defer {
      unlink(folder + "/s")
      rmdir(folder)
    }
    let address = try #require(SocketAddress(unixPath: folder + "/s"))
    #expect(TakeoverPlace.name(of: address) == nil)
    let socket = try ListeningSocket(replacing: folder + "/s", at: address, mode: nil)
    let name = TakeoverPlace.name(of: address)
    #expect(name?.hasPrefix("unix/") == true)
    #expect(
      try TakeoverPlace.name(
        of: #require(SocketAddress(unixPath: folder + "/../" + folder.dropFirst(5) + "/s"))) == name)
    _ = socket.descriptor
  }
}
