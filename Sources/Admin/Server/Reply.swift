import EventLoop

/// What a request leads to.
enum Reply: Sendable {
  case now(HTTPServerResponse)
  /// Made on the work thread, in steps: it is called again, after what others wait for, until it returns an answer.
  case work(@Sendable () -> HTTPServerResponse?)
  /// Made in parts on a thread of its own. The head goes out with the first part; what is thrown before is answered
  /// instead of it, and later cuts the answer off.
  case parts(HTTPServerResponse, @Sendable (PartPipe) throws -> Void)
}
