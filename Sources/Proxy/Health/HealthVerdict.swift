import EventLoop
import Glibc
import HTTP1

/// What one check says of its server.
struct HealthVerdict: Equatable {
  let passed: Bool
  /// What was seen, in a few words.
  let message: String
  /// What to do about it; empty when it passed.
  let remedy: String

  init(
    _ result: Result<HTTPClientResponse, HTTPClientError>, took: Duration, expect: StatusSet,
    timeout: Duration
  ) {
    switch result {
    case .success(let response) where expect.contains(UInt16(clamping: response.status)):
      passed = true
      message = "answers \(response.status) in \(took.wholeMilliseconds) ms"
      remedy = ""
    case .success(let response):
      passed = false
      message = "answers \(response.status), which is none of \(expect)"
      remedy =
        "see its log; a server that is well has to answer the path of the check with one of --health-expect"
    case .failure(let error):
      passed = false
      (message, remedy) = Self.words(error, timeout)
    }
  }

  private static func words(_ error: HTTPClientError, _ timeout: Duration) -> (String, String) {
    switch error {
    case .unreachable(let code):
      (
        "connection failed: \(systemMessage(code))",
        code == ECONNREFUSED
          ? "see that it runs and listens there" : "see that the machine and the way to it are up"
      )
    case .timeout:
      (
        "no whole answer within \(timeout.wholeMilliseconds) ms",
        "it hangs, or has too much to do: see its log; --health-timeout gives it longer"
      )
    case .closed: ("closed the connection before its answer was whole", "see its error log")
    case .malformed: ("its answer is no valid HTTP", "see what listens there")
    }
  }
}
