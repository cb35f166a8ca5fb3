import Glibc
import Testing

@testable import relevo

@Suite("the signals of the process", .serialized)
struct StopSignalsTests {
  @Test("SIGUSR1 and SIGHUP call their handlers and go on, SIGTERM ends the wait")
  func terminates() throws {
    var calls: [String] = []
    let signals = try StopSignals(
      onUserSignal: { calls.append("SIGUSR1") }, onHangUp: { calls.append("SIGHUP") })
    kill(getpid(), SIGUSR1)
    kill(getpid(), SIGHUP)
    kill(getpid(), SIGTERM)
    signals.waitForStop()
    #expect(calls.sorted() == ["SIGHUP", "SIGUSR1"])
  }

  @Test("SIGINT ends the wait")
  func interrupts() throws {
    let signals = try StopSignals(
      onUserSignal: { Issue.record("called") }, onHangUp: { Issue.record("called") })
    kill(getpid(), SIGINT)
    signals.waitForStop()
  }
}
