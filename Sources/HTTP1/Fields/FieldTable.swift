/// One field line of a head. The offsets count from the first byte handed to the parser.
public struct FieldLine: Sendable {
  /// Which name it is, as far as this library knows it.
  public let id: FieldName
  /// The name as sent.
  public let name: ByteRange
  /// The value without the blanks around it; may be empty.
  public let value: ByteRange
  /// The whole line, its CRLF included.
  public let line: ByteRange
  /// Whether the line is for this connection only and must not be forwarded (RFC 9110, 7.6.1).
  ///
  /// True for the names that always are, for those that a `Connection` field names, and for a Content-Length
  /// in an answer that cannot have content (1xx, 204).
  public internal(set) var isHopByHop: Bool
}

/// The field lines of the head parsed last, in the order sent.
///
/// Reusable and of a fixed capacity: one for each event loop. A parse fills it; what it holds is valid until
/// the next one, and meaningful only when that parse gave back a head.
@safe
public struct FieldTable: ~Copyable {
  /// Owned by this value from `init` to `deinit`; the first `count` lines are initialized.
  private let storage: UnsafeMutableBufferPointer<FieldLine>
  /// Lines held.
  public private(set) var count = 0

  /// Allocates room for `capacity` lines once. A head with more of them is refused with 431.
  public init(capacity: Int) {
    unsafe storage = .allocate(capacity: max(0, capacity))
  }

  deinit {
    unsafe storage.deallocate()
  }

  /// Lines that fit.
  public var capacity: Int { unsafe storage.count }

  /// The line at `index`, which must be less than `count`.
  public subscript(index: Int) -> FieldLine {
    precondition(index >= 0 && index < count, "The head has no field line with this index.")
    return unsafe storage[index]
  }

  /// The first line with this name, or nil. Looks at each line.
  public func first(_ id: FieldName) -> FieldLine? {
    for index in 0..<count where self[index].id == id { return self[index] }
    return nil
  }

  mutating func removeAll() {
    count = 0
  }

  mutating func append(_ line: FieldLine) {
    precondition(count < capacity, "The table is full.")
    unsafe (storage.baseAddress.unsafelyUnwrapped + count).initialize(to: line)
    count += 1
  }

  mutating func markHopByHop(_ index: Int) {
    precondition(index >= 0 && index < count, "The head has no field line with this index.")
    unsafe storage[index].isHopByHop = true
  }
}
