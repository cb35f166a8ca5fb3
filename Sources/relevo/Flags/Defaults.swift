import ArgumentParser
import Proxy
import URLMap

/// What a flag is worth that nobody gave.
enum Defaults {
  static let listen = ListenAddress.tcp(host: "127.0.0.1", port: 8080)
  static let oldHost = "keep"
  static let oldMode = OldModeArgument.proxy
  static let oldRedirectStatus = OldRedirect.Status.found
  static let resolveEvery = DurationArgument.seconds(30)

  static let balance = Balance.roundRobin
  static let originFails = 3
  static let originPause = DurationArgument.seconds(1)
  static let originPauseMax = DurationArgument.minutes(1)
  static let slowStart = DurationArgument.seconds(10)
  static let queueLength = 1024
  static let queueTimeout = DurationArgument.seconds(5)
  static let retryBudget = PercentArgument.percent(20)

  static let fallbackOn = FallbackArgument.miss
  static let learnOn = StatusesArgument(unchecked: "2xx,3xx,401")
  static let oldMissOn = StatusesArgument(unchecked: "404,410")
  static let missTTL = DurationArgument.seconds(60)
  static let missMemory = 262_144

  static let mapSnapshotEvery = DurationArgument.seconds(60)
  static let mapMaxURLs = 1_000_000
  static let mapKey = KeyScheme.Parts.pathQuery
  static let mapRecheckAfter = DurationArgument.hours(24)

  /// Or the replay limit, where that is less.
  static let replayMemory = SizeArgument.mebibytes(1)
  static let replayMemoryTotal = SizeArgument.mebibytes(64)
  static let replayLimit = SizeArgument.mebibytes(64)

  static let healthInterval = DurationArgument.seconds(5)
  static let healthTimeout = DurationArgument.seconds(2)
  static let healthExpect = StatusesArgument(unchecked: "2xx,3xx")
  static let healthRise = 2
  static let healthFall = 3

  static let drainDelay = DurationArgument.seconds(0)
  static let drainTimeout = DurationArgument.seconds(10)

  static let http2MaxStreams = 100
  static let http2StreamWindow = SizeArgument.kibibytes(256)
  static let http2ConnectionWindow = SizeArgument.mebibytes(1)

  static let originKeepalive = 512
  static let headerTimeout = DurationArgument.seconds(10)
  static let connectTimeout = DurationArgument.seconds(5)
  static let responseTimeout = DurationArgument.seconds(60)
  static let idleTimeout = DurationArgument.seconds(60)
  static let tunnelTimeout = DurationArgument.hours(1)
  static let maxHeaderBytes = SizeArgument.kibibytes(16)
  static let maxHeaderFields = 128

  static let accessLog = AccessLogArgument.standardOutput
  static let logFormat = AccessLogFormat.combined
  static let logLevel = LogLevelArgument.info

  static let demoPort = 8080
}

extension ArgumentHelp {
  /// The help of a flag whose value ArgumentParser cannot describe by itself.
  static func flag(
    _ sentence: String, value: String, default: some CustomStringConvertible
  ) -> ArgumentHelp {
    ArgumentHelp("\(sentence) (default: \(`default`))", valueName: value)
  }
}
