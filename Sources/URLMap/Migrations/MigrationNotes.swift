/// The URLs that have moved to the new site and do not stand in the ``MigrationFile`` yet: noted by the event loops, taken by
/// the keeper's thread a moment later.
struct MigrationNotes {
  /// Some 20,000 URLs. Past that, as when the disk stands still, the rest is not noted.
  static let limitBytes = 1 << 20

  /// In the form of the file.
  private var lines: [UInt8] = []
  /// Whether somebody takes them.
  var isOn = false

  mutating func append(_ key: RawSpan, at now: UInt32) {
    guard isOn, lines.count + key.byteCount + MigrationFile.longestRest <= MigrationNotes.limitBytes else {
      return
    }
    Digits.append(now, to: &lines)
    lines.append(UInt8(ascii: " "))
    unsafe key.withUnsafeBytes { unsafe lines.append(contentsOf: $0) }
    lines.append(UInt8(ascii: "\n"))
  }

  mutating func take() -> [UInt8] {
    guard !lines.isEmpty else { return [] }
    defer { lines = [] }
    return lines
  }

  /// Takes back what could not be written, unless too much has come since.
  mutating func giveBack(_ earlier: [UInt8]) {
    if earlier.count + lines.count <= MigrationNotes.limitBytes { lines = earlier + lines }
  }
}
