import Glibc
import Testing

@testable import EventLoop

@Suite("a doorbell")
struct DoorbellTests {
  @Test("ends the wait that is, or the next one, once however often it rang")
  func rings() throws {
    let bell = try Doorbell()
    bell.ring()
    bell.ring()
    bell.wait()
    let thread = try LoopThread(name: "ringer") {
      usleep(20_000)
      bell.ring()
    }
    bell.wait()
    thread.join()
  }

  @Test("ends the wait when the time is over, and when the other descriptor can be written to")
  func others() throws {
    let bell = try Doorbell()
    let beganMs = EventLoop.monotonicMs()
    bell.wait(atMostMs: 30)
    #expect(EventLoop.monotonicMs() - beganMs >= 29)
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    bell.wait(orWritable: ends[1])
    close(ends[0])
    // A pipe without a reader can't be written to, and never will be.
    bell.wait(orWritable: ends[1])
    close(ends[1])
  }
}
