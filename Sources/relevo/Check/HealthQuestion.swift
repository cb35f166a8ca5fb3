import HTTP1
import Proxy

/// Whether servers would pass the health checks of serve with the same flags: a path that a site does not have takes its
/// servers out, and an old site whose servers are all out is not asked for anything.
struct HealthQuestion: Sendable {
  private let new: HealthChecks.Target?
  private let old: HealthChecks.Target?
  private let expect: StatusSet

  init(_ flags: HealthPathFlags, oldHost: String?) throws(StatusSetError) {
    new = flags.target(of: .new, oldHost: oldHost)
    old = flags.target(of: .old, oldHost: oldHost)
    expect = try flags.healthExpect.statuses()
  }

  func target(of server: CheckedServer) -> HealthChecks.Target? {
    switch server.role {
    case .new: new
    case .old: old
    }
  }

  /// What it is asked for; empty where its site is not checked.
  func paths(of server: CheckedServer) -> [String] {
    [target(of: server)?.path].compactMap(\.self)
  }

  /// What the answer to that says.
  func findings(_ observation: Observation) -> [Finding] {
    let server = observation.server
    guard let reply = observation.health, let path = target(of: server)?.path else { return [] }
    let what: String
    switch reply.result {
    case .success(let answer) where passes(answer.status):
      return [.ok(server.name, "answers \(answer.status) to the path of its health checks (\(path))")]
    case .success(let answer): what = "answers \(answer.status)"
    case .failure(let error): what = "gives no answer (\(error.description))"
    }
    let consequence =
      switch server.role {
      case .new: "it would count as down"
      case .old: "it would count as down, and no page be asked of it"
      }
    let flag = server.role.healthPathFlag
    let home = observation.home.answer?.status ?? 0
    return [
      .problem(
        server.name, "\(what) to the path of its health checks (\(path)): \(consequence)",
        remedy: passes(home)
          ? "Serve with \(flag) /, which it answers with \(home), or with another page that it has."
          : "Serve with \(flag) and a page that it answers with one of \(expect).")
    ]
  }

  private func passes(_ status: Int) -> Bool { expect.contains(UInt16(clamping: status)) }
}

extension CheckedServer {
  /// The server as the health checks ask it: by a `Host` of their own.
  func asChecked(by health: HealthQuestion) -> CheckedServer {
    guard let target = health.target(of: self) else { return self }
    return CheckedServer(
      role: role, name: name, address: address, authority: authority, host: target.host ?? authority,
      tlsName: tlsName)
  }
}
