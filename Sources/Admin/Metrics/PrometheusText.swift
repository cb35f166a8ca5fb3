import Proxy

/// Writes the text format of Prometheus, version 0.0.4: each family's help and type, then its samples.
struct PrometheusText {
  enum Kind: String {
    case counter, gauge, histogram
  }

  typealias Labels = KeyValuePairs<String, String>

  private(set) var text = ""

  /// Begins a family; its samples follow.
  mutating func family(_ name: String, _ kind: Kind, _ help: String) {
    text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
  }

  mutating func sample(_ name: String, _ value: some BinaryInteger) {
    line(name, [:], "\(value)")
  }

  mutating func sample(_ name: String, _ labels: Labels, _ value: some BinaryInteger) {
    line(name, labels, "\(value)")
  }

  /// A time, which is written in seconds.
  mutating func sample(_ name: String, _ labels: Labels = [:], us: UInt64) {
    line(name, labels, Self.seconds(ofUs: us))
  }

  /// A family of one sample.
  mutating func counter(_ name: String, _ help: String, _ value: some BinaryInteger) {
    family(name, .counter, help)
    sample(name, value)
  }

  /// A family of one sample.
  mutating func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) {
    family(name, .gauge, help)
    sample(name, value)
  }

  /// The samples of one histogram: cumulative buckets, the sum in seconds, and the count.
  mutating func histogram(_ name: String, _ labels: Labels, _ histogram: LatencyHistogram) {
    var below: UInt64 = 0
    for (place, count) in histogram.counts.enumerated() {
      below &+= count
      let bounds = LatencyHistogram.boundsUs
      line(
        "\(name)_bucket", labels, le: place < bounds.count ? Self.seconds(ofUs: bounds[place]) : "+Inf",
        "\(below)")
    }
    line("\(name)_sum", labels, Self.seconds(ofUs: histogram.sumUs))
    line("\(name)_count", labels, "\(below)")
  }

  private mutating func line(_ name: String, _ labels: Labels, le bound: String? = nil, _ value: String) {
    text += name
    var separator = "{"
    for (label, value) in labels {
      text += "\(separator)\(label)=\"\(Self.escaped(value, quotes: true))\""
      separator = ","
    }
    if let bound {
      text += "\(separator)le=\"\(bound)\""
      separator = ","
    }
    text += separator == "{" ? " \(value)\n" : "} \(value)\n"
  }

  /// Seconds without an exponent and without what a binary fraction would add.
  static func seconds(ofUs us: UInt64) -> String {
    let fraction = String(us % 1_000_000)
    let padded = String(repeating: "0", count: 6 - fraction.count) + fraction
    guard let last = padded.lastIndex(where: { $0 != "0" }) else { return "\(us / 1_000_000)" }
    return "\(us / 1_000_000).\(padded[...last])"
  }

  /// Backslashes and ends of lines, and quotes in labels, as the format wants them.
  static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
