import Glibc
import Testing

@testable import relevo

@Suite("the signals of the process", .serialized)
struct StopSignalsTests {
  @Test("SIGUSR1 calls the handler and goes on, SIGTERM ends the wait")
  func terminates() throws {
    var calls = 0
    let signals = try StopSignals { calls += 1 }
    kill(getpid(), SIGUSR1)
    kill(getpid(), SIGTERM)
    signals.waitForStop()
    #expect(calls == 1)
  }

  @Test("SIGINT ends the wait")
  func interrupts() throws {
    let signals = try StopSignals { Issue.record("called") }
    kill(getpid(), SIGINT)
    signals.waitForStop()
  }
}
