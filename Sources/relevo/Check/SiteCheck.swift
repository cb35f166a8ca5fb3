import EventLoop

/// What a server was asked and answered.
struct Observation: Sendable {
  let server: CheckedServer
  let home: Reply
  var replies: [String: Reply] = [:]
  /// To the path of its health checks; nil: it has none.
  var health: Reply?
  /// A path of the new site with its last letters cut off, and the path itself.
  var misspelt: (path: String, whole: String)?

  /// The answer to a path; nil when there was none.
  func answer(_ path: String) -> HTTPClientResponse? {
    (path == "/" ? home : replies[path])?.answer
  }
}

/// Asks all servers for the same paths and says what follows from their answers.
struct SiteCheck {
  let servers: [CheckedServer]
  let rules: MissRules
  let health: HealthQuestion
  let paths: ProbePaths

  init(
    servers: [CheckedServer], rules: MissRules, health: HealthQuestion, paths: ProbePaths = ProbePaths()
  ) {
    self.servers = servers
    self.rules = rules
    self.health = health
    self.paths = paths
  }

  /// Blocks until every server has answered, or had its time.
  func run(_ inquiry: Inquiry) -> [Finding] {
    let homes = inquiry.ask(servers.map { ($0, ["/"]) })
    var observations = zip(servers, homes).map { Observation(server: $0, home: $1[0]) }
    for index in observations.indices where observations[index].server.role == .new {
      observations[index].misspelt = ProbePaths.misspelt(observations[index].home, of: servers[index])
    }
    let replies = inquiry.ask(observations.map { ($0.server, targets(for: $0)) })
    for (index, ofServer) in replies.enumerated() {
      for reply in ofServer { observations[index].replies[reply.target] = reply }
    }
    let checks = inquiry.ask(
      observations.map {
        ($0.server.asChecked(by: health), $0.home.answer == nil ? [] : health.paths(of: $0.server))
      })
    for (index, ofServer) in checks.enumerated() { observations[index].health = ofServer.first }
    return findings(observations)
  }

  /// A server that does not answer is not asked on.
  private func targets(for observation: Observation) -> [String] {
    guard observation.home.answer != nil else { return [] }
    let always = paths.missing + [paths.query] + ProbePaths.login + WellKnownPath.all.map(\.path)
    return always + [observation.misspelt?.path].compactMap(\.self)
  }

  // MARK: Findings

  /// All that follows from the answers, server by server and then about both sites.
  func findings(_ observations: [Observation]) -> [Finding] {
    var findings = observations.flatMap { [reach($0)] + missingPages($0) + guesses($0) + health.findings($0) }
    findings += poolFindings(observations)
    let reached = observations.filter { $0.home.answer != nil }
    let pair = SitePair(
      new: reached.filter { $0.server.role == .new }, old: reached.filter { $0.server.role == .old })
    if pair.new.isEmpty || pair.old.isEmpty { return findings }
    findings += pair.queries(paths.query, rules: rules)
    findings += pair.cookies(["/"] + ProbePaths.login)
    return findings + pair.wellKnownPaths(butLike: paths.missing[0])
  }

  private func reach(_ observation: Observation) -> Finding {
    let server = observation.server
    guard let answer = observation.home.answer else {
      return MissingPageFindings(server: server, example: "/")
        .finding(MissingPage(observation.home, of: server, rules: rules))
    }
    let software = answer.header("Server").map { " (\($0))" } ?? ""
    if answer.status >= 500 {
      return .problem(
        server.name, "answers \(answer.status) to its home page\(software)", remedy: "See its error log.")
    }
    return .ok(server.name, "answers in \(observation.home.took.wholeMilliseconds) ms\(software)")
  }

  private func missingPages(_ observation: Observation) -> [Finding] {
    let replies = paths.missing.compactMap { observation.replies[$0] }
    var findings: [Finding] = []
    var seen: [String] = []
    for reply in replies {
      let kind = MissingPage(reply, of: observation.server, rules: rules)
      // Other numbers of the same kind say nothing more.
      let name = String("\(kind)".prefix { $0 != "(" })
      if seen.contains(name) { continue }
      seen.append(name)
      let home = observation.home.answer?.body ?? []
      findings.append(
        MissingPageFindings(
          server: observation.server, example: reply.target,
          isHomePage: !home.isEmpty && reply.answer?.body == home,
          isApplication: PageText.isApplication(reply.text),
          tellingText: PageText.telling(replies.map(\.text), from: observation.home.text)
        ).finding(kind))
    }
    return findings
  }

  private func guesses(_ observation: Observation) -> [Finding] {
    guard let misspelt = observation.misspelt, let reply = observation.replies[misspelt.path] else {
      return []
    }
    guard let answer = reply.answer, (300..<400).contains(answer.status),
      let location = answer.header("Location")
    else { return [] }
    let target = Redirection(location, from: misspelt.path).target
    guard target.hasPrefix(misspelt.path.dropSuffix("/")),
      target.dropSuffix("/") != misspelt.path.dropSuffix("/")
    else { return [] }
    return [
      .problem(
        observation.server.name,
        "guesses the page meant: it redirects \(misspelt.path) to \(target), so the old server is never asked for a URL "
          + "that begins like one of the new site's",
        remedy: """
          In WordPress (5.5 or newer) switch redirect_guess_404_permalink off, in a plugin or the theme's \
          functions.php: add_filter('do_redirect_guess_404_permalink', '__return_false');
          """)
    ]
  }

  /// The servers of the new site have to be alike: visitors get one or the other.
  private func poolFindings(_ observations: [Observation]) -> [Finding] {
    let new = observations.filter { $0.server.role == .new && $0.home.answer != nil }
    let answers = new.compactMap { one in
      one.answer(paths.missing[0]).map { (server: one.server, status: $0.status) }
    }
    guard new.count > 1, Set(answers.map(\.status)).count > 1 else { return [] }
    let list = answers.map { "\($0.server.name.dropFirst("new ".count)) \($0.status)" }.joined(
      separator: ", ")
    return [
      .problem(
        "both sites", "the new servers do not answer alike for a page that does not exist: \(list)",
        remedy: "Give them the same configuration: a visitor gets one or the other in turn.")
    ]
  }
}

extension String {
  func dropSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
