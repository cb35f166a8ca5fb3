/// What the Connection fields of a head say (RFC 9110, 7.6.1).
struct ConnectionOptions {
  struct Options: OptionSet {
    let rawValue: UInt8
    static let close = Options(rawValue: 1)
    static let keepAlive = Options(rawValue: 2)
    static let upgrade = Options(rawValue: 4)
  }

  /// Each is compared with every field line, so their number is bounded.
  private static var maxNamedFields: Int { 64 }

  private(set) var options = Options()
  private var namedFields = 0

  /// Whether an option names a field that is not hop-by-hop by itself.
  var namesFields: Bool { namedFields > 0 }

  /// Takes in one Connection field. Empty list elements are passed over (RFC 9110, 5.6.1.2).
  mutating func read(_ bytes: RawSpan, _ value: ByteRange) throws(MalformedMessage) {
    // One alone is nearly all that is ever sent.
    if let option = Self.known(value, bytes) {
      options.insert(option)
      return
    }
    var list = FieldList(value)
    while let option = list.next(bytes) {
      guard bytes.endOfToken(from: option.lower, limit: option.upper) == option.upper else {
        throw .invalidConnection
      }
      try read(option: option, bytes)
    }
  }

  @inline(__always)
  private static func known(_ option: ByteRange, _ bytes: RawSpan) -> Options? {
    if bytes.equals(option, ignoringCase: "keep-alive") { return .keepAlive }
    if bytes.equals(option, ignoringCase: "close") { return .close }
    return bytes.equals(option, ignoringCase: "upgrade") ? .upgrade : nil
  }

  private mutating func read(option: ByteRange, _ bytes: RawSpan) throws(MalformedMessage) {
    if let option = Self.known(option, bytes) {
      options.insert(option)
    } else if !option.isEmpty {
      switch FieldName.find(bytes, option) {
      case .host, .contentLength, .transferEncoding: throw .connectionNamesFraming
      case let name where name.isHopByHop: break
      default:
        namedFields += 1
        guard namedFields <= Self.maxNamedFields else { throw .tooManyConnectionOptions }
      }
    }
  }

  /// Marks the fields that the options name. At most `maxNamedFields` times the number of fields comparisons.
  func mark(_ fields: inout FieldTable, _ bytes: RawSpan) {
    for index in 0..<fields.count where fields[index].id == .connection {
      var list = FieldList(fields[index].value)
      while let option = list.next(bytes) {
        guard !option.isEmpty else { continue }
        for other in 0..<fields.count where bytes.equals(fields[other].name, ignoringCase: option) {
          fields.markHopByHop(other)
        }
      }
    }
  }
}
