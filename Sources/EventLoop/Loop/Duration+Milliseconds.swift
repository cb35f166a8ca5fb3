extension Duration {
  /// Milliseconds, rounded down; 0 for a negative duration.
  package var wholeMilliseconds: UInt64 {
    let (seconds, attoseconds) = components
    let fromSeconds = UInt64(clamping: seconds).multipliedReportingOverflow(by: 1000)
    if fromSeconds.overflow { return .max / 4 }
    return fromSeconds.partialValue &+ UInt64(clamping: attoseconds / 1_000_000_000_000_000)
  }
}
