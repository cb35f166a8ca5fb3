import HTTP1

/// Where an exchange stands in its request's body.
///
///     client's input:  | head | ready to send | not looked at |
///                      0      lower           upper
struct RequestBody {
  /// Follows the body as it comes from the client.
  var scanner = BodyScanner(.none)
  /// Offsets into the client's input of what has been looked at and not been sent.
  var lower = 0
  var upper = 0
  /// A body was announced.
  private(set) var isExpected = false
  /// Bytes of it have been taken from the client.
  var isTouched = false
  /// Bytes of it have gone to an origin, and are now only where they are recorded.
  var hasLeft = false
  var recorder: BodyRecorder?
  /// How far a repeated body has been sent; nil when it goes out as it comes.
  var replayed: Int?
  /// Nobody wants the rest of it: the answer stands.
  var isAbandoned = false
  /// The origin asked has the head and all of the body.
  var isSent = false

  mutating func begin(_ head: RequestHead) {
    scanner = BodyScanner(head.framing)
    lower = head.byteCount
    upper = head.byteCount
    switch head.framing {
    case .none, .untilClose, .length(0): isExpected = false
    case .length, .chunked: isExpected = true
    }
    isTouched = false
    hasLeft = false
    isSent = false
    isAbandoned = false
  }

  /// All of it has come from the client.
  var isRead: Bool { !isExpected || scanner.isFinished }
  var readyCount: Int { upper - lower }
  /// Another origin can be asked with the same request.
  var canBeRepeated: Bool { !hasLeft || recorder != nil }

  mutating func reset() {
    recorder = nil
    replayed = nil
    isExpected = false
  }
}
