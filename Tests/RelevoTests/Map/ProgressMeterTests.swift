import Testing

@testable import relevo

@Suite("the progress of long work")
struct ProgressMeterTests {
  /// A terminal, or a pipe, and a clock that stands still until it is told to go on.
  private final class Stage {
    var now = ContinuousClock.now
    var written: [String] = []

    func meter(totalBytes: Int? = 1_000_000, columns: Int?) -> ProgressMeter {
      ProgressMeter(
        "loading a.map", totalBytes: totalBytes, columns: columns, clock: { self.now },
        write: { self.written.append($0) })
    }
  }

  @Test("short work shows nothing")
  func short() {
    let stage = Stage()
    var meter = stage.meter(columns: 80)
    stage.now += .milliseconds(499)
    meter.update(doneBytes: 900_000)
    meter.finish()
    #expect(stage.written == [])
  }

  @Test("a pipe gets nothing, however long the work takes")
  func pipe() {
    let stage = Stage()
    var meter = stage.meter(columns: nil)
    stage.now += .seconds(60)
    meter.update(doneBytes: 900_000)
    meter.finish()
    #expect(stage.written == [])
  }

  @Test("long work draws one line, ten times a second at most, and wipes it at the end")
  func long() {
    let stage = Stage()
    var meter = stage.meter(columns: 80)
    for step in 1...100 {
      stage.now += .milliseconds(10)
      meter.update(doneBytes: step * 10_000)
    }
    #expect(stage.written.count == 6)
    #expect(
      stage.written.first
        == "\rloading a.map   50 %   500 kB of 1.0 MB   1.0 MB/s   1 s left\u{1B}[K")
    meter.finish()
    #expect(stage.written.last == "\r\u{1B}[K")
    stage.now += .seconds(1)
    meter.update(doneBytes: 1)
    meter.finish()
    #expect(stage.written.count == 7)
  }

  @Test("a narrow terminal gets as many parts as fit into one line", arguments: 1...90)
  func narrow(columns: Int) {
    let line = Stage().meter(columns: columns).line(doneBytes: 250_000, elapsed: .seconds(1))
    #expect(line.count < columns)
    #expect("loading a.map   25 %   250 kB of 1.0 MB   250 kB/s   3 s left".hasPrefix(line))
  }

  @Test("without a total there is no percentage and no end in sight")
  func unknownTotal() {
    let line = Stage().meter(totalBytes: nil, columns: 80).line(doneBytes: 500_000, elapsed: .seconds(2))
    #expect(line == "loading a.map   500 kB   250 kB/s")
  }

  @Test("odd figures do no harm", arguments: [0, 1, 999_999, 1_000_001, .max])
  func oddFigures(done: Int) {
    let meter = Stage().meter(columns: 100)
    for elapsed in [Duration.zero, .nanoseconds(1), .seconds(1_000_000)] {
      #expect(meter.line(doneBytes: done, elapsed: elapsed).contains("%"))
    }
  }
}
