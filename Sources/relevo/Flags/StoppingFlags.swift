import ArgumentParser

/// What happens on SIGTERM.
struct StoppingFlags: ParsableArguments {
  @Option(
    help: .flag(
      "Go on accepting clients for this long after SIGTERM, up to 1h, while /readyz says no already; a load balancer has so long to notice.",
      value: "time", default: Defaults.drainDelay),
    transform: DurationArgument.from(.milliseconds(0), to: .hours(1)))
  var drainDelay = Defaults.drainDelay

  @Option(
    help: .flag(
      "Give what is under way so long to end after that, up to 1h; then it is cut off.", value: "time",
      default: Defaults.drainTimeout),
    transform: DurationArgument.from(.milliseconds(0), to: .hours(1)))
  var drainTimeout = Defaults.drainTimeout
}
