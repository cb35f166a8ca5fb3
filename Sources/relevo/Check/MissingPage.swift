import EventLoop
import HTTP1
import Proxy

/// What the flags say of misses.
struct MissRules: Sendable {
  /// Answers of the new site that send a request on.
  let fallbackOn: StatusSet
  /// Answers of the old server that mean "not here either".
  let oldMissOn: StatusSet
  let softMisses: SoftMissRules

  init(_ flags: FallbackFlags) throws(StatusSetError) {
    fallbackOn = try flags.fallbackOn.statuses()
    oldMissOn = try flags.oldMissOn.statuses()
    softMisses = flags.softMisses
  }
}

/// How a server answers for a page that does not exist.
enum MissingPage: Equatable {
  /// As Relevo wants it: with a miss.
  case miss(status: Int)
  /// With something that a flag names as a miss.
  case softMiss(flag: String)
  /// With a page.
  case page(status: Int)
  case redirectHome
  /// A redirect to a page of its own site that has nothing of the path asked for.
  case redirectToPage(String)
  /// A redirect to the same host with https.
  case redirectToHTTPS
  /// A redirect to another host.
  case redirectToHost(String)
  /// Some other redirect.
  case redirect(String)
  /// 400 to 499, but no miss.
  case refusal(status: Int)
  case failure(status: Int)
  case none(HTTPClientError)

  init(_ reply: Reply, of server: CheckedServer, rules: MissRules) {
    let answer: HTTPClientResponse
    switch reply.result {
    case .failure(let error):
      self = .none(error)
      return
    case .success(let response): answer = response
    }
    let status = UInt16(clamping: answer.status)
    let misses = server.role == .new ? rules.fallbackOn : rules.oldMissOn
    if misses.contains(status) {
      self = .miss(status: answer.status)
    } else if (300..<400).contains(answer.status), let location = answer.header("Location") {
      self = Self.redirect(location, from: reply.target, of: server, rules: rules)
    } else if (400..<500).contains(answer.status) {
      self = .refusal(status: answer.status)
    } else if answer.status >= 500 {
      self = .failure(status: answer.status)
    } else if server.role == .old, answer.status == 200,
      let text = rules.softMisses.bodies.first(where: { reply.text.utf8.prefix(64 << 10).contains($0.utf8) })
    {
      self = .softMiss(flag: "--old-miss-body \(shellWord(text))")
    } else {
      self = .page(status: answer.status)
    }
  }

  private static func redirect(
    _ location: String, from target: String, of server: CheckedServer, rules: MissRules
  ) -> MissingPage {
    let redirection = Redirection(location, from: target)
    if let authority = redirection.authority, !server.isNamed(authority) { return .redirectToHost(authority) }
    let found = redirection.target
    if server.role == .old, rules.softMisses.isMiss(redirectTo: Array(found.utf8)) {
      return .softMiss(flag: "--old-miss-redirect \(shellWord(found))")
    }
    if found == target { return redirection.scheme == "https" ? .redirectToHTTPS : .redirect(location) }
    if found == "/" { return .redirectHome }
    let name = target.split { $0 == "/" || $0 == "?" }.first ?? ""
    return redirection.path.contains(name) ? .redirect(location) : .redirectToPage(redirection.path)
  }
}
