import ArgumentParser
import Proxy

/// `--balance`.
extension Balance: ExpressibleByArgument {}

/// A part of a whole as flags write it: `20%`.
struct PercentArgument: Equatable, Sendable, CustomStringConvertible {
  let percent: Int

  static func percent(_ number: Int) -> Self { Self(percent: number) }

  private init(percent: Int) {
    self.percent = percent
  }

  init(parsing text: String) throws(BadValue) {
    guard text.hasSuffix("%"), let number = try? CountArgument.within(0...100)(String(text.dropLast())) else {
      throw BadValue("write a whole number from 0 to 100 and a percent sign, as in 20%")
    }
    percent = number
  }

  var description: String { "\(percent)%" }
}

/// How the servers of one site share its requests, and what becomes of those that fail.
struct BalanceFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Share the requests among a site's servers in turn by their weights (roundrobin), or by the requests that each has under way for its weight (leastconn).",
      valueName: "roundrobin|leastconn"))
  var balance = Defaults.balance

  @Option(
    help: .flag(
      "Give a server no requests for a while after so many failures in a row, from 1 to 100: no connection, a broken one, no answer in time, one that is not HTTP. While no other is up it is asked all the same.",
      value: "count", default: Defaults.originFails),
    transform: CountArgument.within(1...100))
  var originFails = Defaults.originFails

  @Option(
    help: .flag(
      "Let it rest this long at first, from 10ms to 1h, then try it with one request; twice as long each time that it fails again.",
      value: "time", default: Defaults.originPause),
    transform: DurationArgument.from(.milliseconds(10), to: .hours(1)))
  var originPause = Defaults.originPause

  @Option(
    help: .flag(
      "Let it rest this long at most, from 10ms to 1h.", value: "time", default: Defaults.originPauseMax),
    transform: DurationArgument.from(.milliseconds(10), to: .hours(1)))
  var originPauseMax = Defaults.originPauseMax

  @Option(
    help: .flag(
      "Let the share of a server that is back grow from a tenth to its whole for this long, up to 1h; 0 gives it all at once.",
      value: "time", default: Defaults.slowStart),
    transform: DurationArgument.from(.milliseconds(0), to: .hours(1)))
  var slowStart = Defaults.slowStart

  @Option(
    help: .flag(
      "Let so many requests of each site wait when all of its servers serve their max=, from 0 to 1000000; others get 503.",
      value: "count", default: Defaults.queueLength),
    transform: CountArgument.within(0...1_000_000))
  var queueLength = Defaults.queueLength

  @Option(
    help: .flag(
      "Let them wait this long, from 10ms to 1h; then they get 503.", value: "time",
      default: Defaults.queueTimeout),
    transform: DurationArgument.from(.milliseconds(10), to: .hours(1)))
  var queueTimeout = Defaults.queueTimeout

  @Option(
    help: .flag(
      "Send a request again at most so often when servers fail, from 0 to 100; never one that may have been acted on and must not be twice.",
      value: "count", default: "each server of the site is asked once"),
    transform: CountArgument.within(0...100))
  var retries: Int?

  @Option(
    help: .flag(
      "Send at most this part of the requests again, over about ten seconds, beside ten a second for each worker.",
      value: "percent", default: Defaults.retryBudget),
    transform: PercentArgument.init(parsing:))
  var retryBudget = Defaults.retryBudget

  func checkTogether() throws(CommandFailure) {
    if originPause > originPauseMax {
      throw CommandFailure(
        """
        --origin-pause is \(originPause) and --origin-pause-max \(originPauseMax): the first pause is the \
        shortest, give at most \(originPauseMax)
        """, code: .usage)
    }
  }
}
