import ArgumentParser
import HTTP2

struct HTTP2Flags: ParsableArguments {
  @Flag(
    inversion: .prefixedNo, exclusivity: .chooseLast,
    help: "Offer clients with TLS HTTP/2 beside HTTP/1.1.")
  var http2 = true

  @Flag(
    help:
      "Take HTTP/2 from clients without TLS that begin with it at once (prior knowledge), as some load balancers do; others speak HTTP/1 there as always. (default: off)"
  )
  var h2c = false

  @Option(
    help: .flag(
      "Serve so many requests of one HTTP/2 connection at once, from 1 to 10000.", value: "count",
      default: Defaults.http2MaxStreams),
    transform: CountArgument.within(1...10_000))
  var http2MaxStreams = Defaults.http2MaxStreams

  @Option(
    help: .flag(
      "Let so much of one request's body come before an origin has taken it, from 64k to 16m.", value: "size",
      default: Defaults.http2StreamWindow),
    transform: SizeArgument.from(.kibibytes(64), to: .mebibytes(16)))
  var http2StreamWindow = Defaults.http2StreamWindow

  @Option(
    help: .flag(
      "The same of all requests of a connection together, from 64k to 256m.", value: "size",
      default: Defaults.http2ConnectionWindow),
    transform: SizeArgument.from(.kibibytes(64), to: .mebibytes(256)))
  var http2ConnectionWindow = Defaults.http2ConnectionWindow

  var limits: HTTP2Limits {
    var limits = HTTP2Limits()
    limits.streams = http2MaxStreams
    limits.streamWindowBytes = http2StreamWindow.bytes
    limits.connectionWindowBytes = http2ConnectionWindow.bytes
    return limits
  }
}
