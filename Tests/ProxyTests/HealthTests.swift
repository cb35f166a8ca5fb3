import EventLoop
import Glibc
import HTTP1
import Testing

@testable import Proxy

@Suite("what checks make of a server")
struct HealthTests {
  /// What each check of a row changes: `+` passed, `-` failed.
  private func changes(_ checks: String, rise: Int = 2, fall: Int = 3) -> [CheckedHealth?] {
    var track = HealthTrack(rise: rise, fall: fall)
    return checks.map { track.take(passed: $0 == "+") }
  }

  @Test("the first check decides alone", arguments: [("+", CheckedHealth.up), ("-", .down)])
  func first(check: String, health: CheckedHealth) {
    #expect(changes(check, rise: 5, fall: 5) == [health])
  }

  @Test("an up server is down after as many failures in a row as --health-fall says, and is told once")
  func falls() {
    #expect(changes("+-----") == [.up, nil, nil, .down, nil, nil])
    #expect(changes("+--+--+--") == [.up, nil, nil, nil, nil, nil, nil, nil, nil])
    #expect(changes("+-", fall: 1) == [.up, .down])
  }

  @Test("a down server is up after as many passes in a row as --health-rise says, and is told once")
  func rises() {
    #expect(changes("-++++") == [.down, nil, .up, nil, nil])
    #expect(changes("-+-+-+") == [.down, nil, nil, nil, nil, nil])
    #expect(changes("-+-+", rise: 1, fall: 1) == [.down, .up, .down, .up])
  }

  @Test("after a change the count begins anew")
  func anew() {
    #expect(changes("+---++--+---") == [.up, nil, nil, .down, nil, .up, nil, nil, nil, nil, nil, .down])
  }

  private func verdict(
    _ result: Result<HTTPClientResponse, HTTPClientError>, of site: Site = .new
  ) throws -> HealthVerdict {
    let checks = HealthChecks(
      new: .init(path: "/index.html"), old: .init(path: "/alive.txt"),
      expect: try StatusSet(parsing: "2xx,3xx"), userAgent: "test")
    return HealthVerdict(result, took: .milliseconds(3), of: site, by: checks)
  }

  @Test("an expected status passes, and any other says what was expected", arguments: [200, 204, 301, 399])
  func passes(status: Int) throws {
    let seen = try verdict(.success(HTTPClientResponse(status: status)))
    #expect(seen.passed && seen.message == "answers \(status) in 3 ms" && seen.remedy.isEmpty)
  }

  @Test("what fails a check is told in words, with what to do", arguments: [404, 503, 101, 70_000])
  func statusFails(status: Int) throws {
    let seen = try verdict(.success(HTTPClientResponse(status: status)))
    #expect(!seen.passed && seen.message == "answers \(status), which is none of 2xx,3xx")
    #expect(seen.remedy.contains("--health-expect"))
  }

  @Test("a server that answers and has no such page may have been asked for a wrong path: its flag is named")
  func wrongPath() throws {
    let seen = try verdict(.success(HTTPClientResponse(status: 404)), of: .old)
    #expect(
      seen.remedy
        == "it runs, so that the path may be wrong: give --old-health-path a page that it has in place of /alive.txt, or name 404 in --health-expect"
    )
    #expect(try verdict(.success(HTTPClientResponse(status: 503)), of: .new).remedy.hasPrefix("see its log;"))
  }

  @Test(
    "what never became an answer is told in words, with what to do",
    arguments: [
      (HTTPClientError.unreachable(errno: ECONNREFUSED), "connection failed: Connection refused", "listens"),
      (.unreachable(errno: EHOSTUNREACH), "connection failed: No route to host", "way to it"),
      (.timeout, "no whole answer within 2000 ms", "--health-timeout"),
      (.closed, "closed the connection before its answer was whole", "log"),
      (.malformed, "its answer is no valid HTTP", "listens there"),
    ])
  func failures(error: HTTPClientError, message: String, remedy: String) throws {
    let seen = try verdict(.failure(error))
    #expect(!seen.passed && seen.message == message && seen.remedy.contains(remedy))
  }
}
