import EventLoop
import HTTP1

/// What one check says of its server.
struct HealthVerdict: Equatable {
  let passed: Bool
  /// What was seen, in a few words.
  let message: String
  /// What to do about it; empty when it passed.
  let remedy: String

  /// - Parameter site: the server's, whose target in `checks` it was asked for.
  init(
    _ result: Result<HTTPClientResponse, HTTPClientError>, took: Duration, of site: Site,
    by checks: HealthChecks
  ) {
    let expect = checks.expect
    switch result {
    case .success(let response) where expect.contains(UInt16(clamping: response.status)):
      passed = true
      message = "answers \(response.status) in \(took.wholeMilliseconds) ms"
      remedy = ""
    case .success(let response):
      passed = false
      message = "answers \(response.status), which is none of \(expect)"
      remedy = Self.remedy(response.status, site, checks)
    case .failure(let error):
      passed = false
      (message, remedy) = Self.words(error, checks.timeout)
    }
  }

  private static func remedy(_ status: Int, _ site: Site, _ checks: HealthChecks) -> String {
    let path = checks.target(of: site)?.path ?? ""
    guard (400..<500).contains(status) else {
      return "see its log; a server that is well has to answer \(path) with one of --health-expect"
    }
    return
      "it runs, so that the path may be wrong: give \(site.healthPathFlag) a page that it has in place of \(path), or name \(status) in --health-expect"
  }

  private static func words(_ error: HTTPClientError, _ timeout: Duration) -> (String, String) {
    switch error {
    case .unreachable(let code):
      ("connection failed: \(systemMessage(code))", OriginRemedy.connection(code))
    case .tls(let reason): (reason, OriginRemedy.tls)
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

extension Site {
  /// The flag for the path of its servers' checks.
  public var healthPathFlag: String {
    switch self {
    case .new: "--health-path"
    case .old: "--old-health-path"
    }
  }
}
