import Foundation
import Testing

/// The dashboard for Grafana, and the container example that brings it.
@Suite("The dashboard for Grafana")
struct GrafanaTests {
  private static func file(_ path: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../\(path)").standardized
  }

  // MARK: The file

  /// What is looked at of a dashboard.
  private struct Dashboard: Decodable {
    struct Panel: Decodable {
      struct Place: Decodable {
        let x, y, w, h: Int
      }
      struct Target: Decodable {
        let refId, expr, legendFormat: String
      }
      let id: Int
      let type, title: String
      let gridPos: Place
      let targets: [Target]?
    }
    let panels: [Panel]
  }

  private static func dashboard() throws -> Dashboard {
    let text = try Data(contentsOf: file("docs/prometheus/relevo-dashboard.json"))
    return try JSONDecoder().decode(Dashboard.self, from: text)
  }

  @Test("has panels of different numbers and titles within 24 columns, none on another")
  func layout() throws {
    let panels = try Self.dashboard().panels
    #expect(Set(panels.map(\.id)).count == panels.count)
    var taken: [[Int]: String] = [:]
    for panel in panels {
      let place = panel.gridPos
      #expect(place.x >= 0 && place.w > 0 && place.x + place.w <= 24, "\(panel.title)")
      for x in place.x..<place.x + place.w {
        for y in place.y..<place.y + place.h {
          let other = taken.updateValue(panel.title, forKey: [x, y])
          #expect(other == nil, "\(panel.title) is on \(other ?? "")")
        }
      }
      #expect((panel.targets ?? []).isEmpty == (panel.type == "row"), "\(panel.title)")
    }
  }

  // MARK: The queries

  /// With Grafana's variables as they are when all instances are shown.
  private static func expression(_ target: Dashboard.Panel.Target) -> String {
    target.expr.replacingOccurrences(of: "$__rate_interval", with: "20s")
      .replacingOccurrences(of: "$__range", with: "1m").replacingOccurrences(of: "$instance", with: ".+")
  }

  /// Figures that are 0 as long as neither the disk nor the machine fails, and the map has room.
  private static let quiet = [
    "map_evicted", "snapshot_failures", "journal_failures", "journal_lost", "access_log_dropped",
  ]

  /// A site that moves a page after some seconds, and loses one; whose new servers are one that serves a request at a time
  /// and three that refuse.
  private func withSite(_ test: (Relevo, _ admin: UInt16) throws -> Void) throws {
    let begin = ContinuousClock.now
    @Sendable func isLater() -> Bool { ContinuousClock.now - begin > .seconds(6) }
    let new = try ScriptedOrigin { exchange in
      switch exchange.target {
      case "/new": try exchange.answer(200, "new")
      case "/moves": try exchange.answer(isLater() ? 200 : 404, "new")
      case "/slow":
        usleep(1_300_000)
        try exchange.answer(200, "new")
      case "/broken":
        try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        exchange.close()
      default: try exchange.answer(404)
      }
    }
    let old = try ScriptedOrigin { exchange in
      switch exchange.target {
      case "/lost": try exchange.answer(isLater() ? 404 : 200, "old")
      case "/error": try exchange.answer(500)
      case let target where target == "/moves" || target.hasPrefix("/old"): try exchange.answer(200, "old")
      case let target where target.hasPrefix("/soft"): try exchange.answer(302, "", ["Location: /"])
      default: try exchange.answer(404)
      }
    }
    let folder = try TemporaryFolder()
    let refusing = try (1...3).map { _ in try RefusedPort() }
    try withRelevo(
      new: [WithOptions(new, "max=1")] + refusing, old: [old],
      "--admin", "127.0.0.1:0", "--map-file", folder.path("urls.map"), "--map-snapshot-every", "1s",
      "--old-miss-redirect", "/", "--origin-fails", "100", "--retry-budget", "0%", "--queue-length", "1",
      "--map-recheck-after", "3s", "--access-log", folder.path("access.log")
    ) { relevo in
      let start = "admin plane listens on 127.0.0.1:"
      let line = try relevo.process.errors.wait("the admin plane's address") { $0.contains(start) }[0]
      try test(relevo, try #require(UInt16(line.components(separatedBy: start)[1].prefix { $0.isNumber })))
    }
  }

  /// Some of each kind of traffic that a panel shows.
  private func visit(_ relevo: Relevo, admin: UInt16, round: Int) throws {
    func get(_ target: String) throws { _ = try Client(relevo.port).get(target) }
    for target in ["/old\(round)", "/none", "/soft\(round)", "/error", "/moves", "/lost"] { try get(target) }
    usleep(100_000)
    for target in ["/old\(round)", "/none", "/moves", "/lost"] { try get(target) }
    // One is served, one waits, and the third is one too many.
    let slow = try (1...3).map { _ in
      let client = try Client(relevo.port)
      try client.request("/slow")
      return client
    }
    for client in slow { _ = try client.answer() }
    let leaving = try Client(relevo.port)
    try leaving.request("/slow")
    usleep(50_000)
    leaving.reset()
    let broken = try Client(relevo.port)
    try broken.request("/broken")
    _ = try? broken.answer()
    let nonsense = try Client(relevo.port)
    try nonsense.send("no request\r\n\r\n")
    _ = try nonsense.answer()
    _ = try Client(admin).get("/api/v1/map/url?url=/a", method: "DELETE")
    // More failures within ten seconds than may be sent again.
    for _ in 1...(round <= 2 ? 100 : 5) { try get("/new") }
  }

  @Test(
    "gets an answer to each of its queries from a Prometheus that scrapes Relevo, with the labels that its legends name",
    .timeLimit(.minutes(3)))
  func queries() throws {
    try withSite { relevo, admin in
      let prometheus = try Prometheus(
        scraping: admin, rules: Self.file("docs/prometheus/relevo.rules.yaml").path())
      var open = try Self.dashboard().panels.flatMap { panel in
        (panel.targets ?? []).map { (panel: panel, target: $0) }
      }
      #expect(open.count > 40)
      let deadline = Deadline.after(90)
      var round = 0
      while !open.isEmpty, !deadline.hasPassed {
        round += 1
        try visit(relevo, admin: admin, round: round)
        usleep(1_100_000)
        open = try open.filter { try !isAnswered($0.target, by: prometheus) }
      }
      for (panel, target) in open {
        Issue.record("\(panel.title), \(target.refId): \(Self.expression(target)) has no result")
      }
    }
  }

  /// Whether a query has series with figures, and every label of its legend; a figure that is not 0, where it can be.
  private func isAnswered(_ target: Dashboard.Panel.Target, by prometheus: Prometheus) throws -> Bool {
    let series = try prometheus.series(of: Self.expression(target))
    guard series.contains(where: { $0.value.isFinite }) else { return false }
    for label in target.legendFormat.matches(of: /{{(\w+)}}/).map({ String($0.output.1) }) {
      #expect(series.allSatisfy { $0.labels[label] != nil }, "\(target.expr) has no label \(label)")
    }
    let mayBeZero =
      Self.quiet.contains { target.expr.contains($0) } || target.expr.contains("relevo_origin_state")
    // What was so a moment ago counts too: a queue is empty again by now.
    let highest = "max_over_time((\(Self.expression(target)))[30s:1s])"
    return try mayBeZero || prometheus.series(of: highest).contains { $0.value > 0 }
  }

  // MARK: The containers

  private static let compose = ["docker/compose.yaml", "docker/compose.monitoring.yaml"]

  @Test("comes with a container example that Compose can read, each mounted file of which is there")
  func containers() throws {
    for files in [Self.compose.prefix(1), Self.compose[...]] {
      let check = try Tools.run(
        "/usr/bin/docker-compose", files.flatMap { ["--file", Self.file($0).path()] } + ["config"])
      #expect(check.exit == .code(0), "\(check.errors)")
      let mounted = check.text.matches(of: /- (\/[^:\n]+):\/[^:\n]+:ro/).map { String($0.output.1) }
      #expect(mounted.count >= 3 * files.count)
      for path in mounted { #expect(FileManager.default.fileExists(atPath: path), "\(path)") }
    }
  }

  @Test("is scraped for by a configuration of the example that promtool takes, rules included")
  func scrapeConfiguration() throws {
    let folder = try TemporaryFolder()
    for path in ["docker/prometheus.yml", "docs/prometheus/relevo.rules.yaml"] {
      let name = path.split(separator: "/").last.map(String.init) ?? ""
      try folder.write(name, try String(contentsOf: Self.file(path), encoding: .utf8))
    }
    let check = try Tools.run("/usr/bin/promtool", ["check", "config", folder.path("prometheus.yml")])
    #expect(check.exit == .code(0), "\(check.errors)")
    #expect(check.text.contains(" rules found"), "\(check.text)")
  }
}
