import FoundationEssentials
import Logging

/// Writes each message as one line: time, level, message, `key=value`; for systemd's journal its number of the level in place
/// of the time.
struct LineLogHandler: LogHandler {
  /// What this logger alone was set to.
  private var ownLevel: Logger.Level?
  private let threshold: LogThreshold
  private let isForJournal: Bool
  var metadata: Logger.Metadata = [:]
  private let write: @Sendable (String) -> Void

  init(
    threshold: LogThreshold, isForJournal: Bool = false,
    write: @escaping @Sendable (String) -> Void = StandardStream.error.write
  ) {
    self.threshold = threshold
    self.isForJournal = isForJournal
    self.write = write
  }

  /// A logger that writes to standard error what is not below the threshold at the time.
  static func logger(_ threshold: LogThreshold) -> Logger {
    let isForJournal = SystemJournal.readsErrors(ProcessEnvironment.variables)
    return Logger(label: "relevo") { _ in LineLogHandler(threshold: threshold, isForJournal: isForJournal) }
  }

  var logLevel: Logger.Level {
    get { ownLevel ?? threshold.level }
    set { ownLevel = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let start =
      isForJournal
      ? SystemJournal.prefix(event.level)
      : Date.now.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true)) + "Z "
    write(Self.line(start, event: event, metadata: metadata))
  }

  /// The line for `event`, its end included, behind `start`; keys in alphabetical order.
  static func line(_ start: String, event: LogEvent, metadata: Logger.Metadata) -> String {
    var line = "\(start)\(event.level.rawValue) \(escaped(event.message.description))"
    if let error = event.error { line += " error=\(quoted("\(error)"))" }
    let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      line += " \(key)=\(quoted(value.description))"
    }
    return line + "\n"
  }

  private static func quoted(_ value: String) -> String {
    let plain = !value.isEmpty && !value.contains { $0 == " " || $0 == "\"" || $0 == "=" }
    return plain ? escaped(value) : "\"\(escaped(value.replacing("\"", with: "\\\"")))\""
  }

  /// URLs and names of clients reach the log: no control byte of theirs may start a line of its own.
  private static func escaped(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      return text
    }
    return text.unicodeScalars.reduce(into: "") { result, scalar in
      if scalar.properties.generalCategory == .control {
        result += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }
}
