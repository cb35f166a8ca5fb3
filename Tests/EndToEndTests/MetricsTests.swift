import Foundation
import Testing

/// `/metrics`, as Prometheus sees it.
@Suite("Metrics")
struct MetricsTests {
  /// A site whose admin plane listens on a port of its own.
  private func withMetrics(_ test: (Site, UInt16) throws -> Void) throws {
    try withSite(
      new: .pages(["/new": "the new page"], missing: "new has it not"),
      old: .pages(["/old": "the old page"], missing: "old has it not"),
      "--admin", "127.0.0.1:0", "--replay-limit", "1k", "--replay-memory", "1k"
    ) { site in
      let start = "admin plane listens on 127.0.0.1:"
      let line = try site.relevo.process.errors.wait("the admin plane's address") { $0.contains(start) }[0]
      let port = try #require(UInt16(line.components(separatedBy: start)[1].prefix { $0.isNumber }))
      try test(site, port)
    }
  }

  /// The samples by their series.
  private func scrape(_ port: UInt16) throws -> [String: Double] {
    let client = try Client(port)
    try client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    let answer = try client.answer()
    #expect(answer.status == 200)
    #expect(answer["Content-Type"]?.hasPrefix("text/plain; version=0.0.4") == true)
    var samples: [String: Double] = [:]
    for line in answer.text.split(separator: "\n") where !line.hasPrefix("#") {
      let end = try #require(line.lastIndex(of: " "))
      let value = try #require(Double(line[line.index(after: end)...]))
      #expect(samples.updateValue(value, forKey: String(line[..<end])) == nil, "\(line)")
    }
    return samples
  }

  /// One request of each kind.
  private func visit(_ site: Site) throws {
    for target in ["/new", "/old", "/none"] { _ = try site.get(target) }
    site.settle()
    for target in ["/old", "/none"] { _ = try site.get(target) }
    _ = try site.get("/upload", method: "POST", body: Bytes(repeating: 0x2E, count: 5_000))
    let nonsense = try site.client()
    try nonsense.send("no request\r\n\r\n")
    #expect(try nonsense.answer().status == 400)
    for target in ["/new", "/old", "/upload"] { _ = try site.log(target) }
    _ = try site.log("/none", count: 2)
  }

  @Test("each request is counted once, where it belongs; counters only grow")
  func counts() throws {
    try withMetrics { site, port in
      let before = try scrape(port)
      try visit(site)
      let after = try scrape(port)
      for (series, value) in before {
        let name = series.prefix { $0 != "{" }
        if name.hasSuffix("_total") || name.hasSuffix("_bucket") || name.hasSuffix("_count") {
          #expect((after[series] ?? -1) >= value, "\(series)")
        }
      }
      let requests = after.filter { $0.key.hasPrefix("relevo_requests_total") && $0.value > 0 }
      #expect(
        requests == [
          "relevo_requests_total{route=\"new\",status=\"2xx\"}": 1,
          "relevo_requests_total{route=\"new\",status=\"4xx\"}": 2,
          "relevo_requests_total{route=\"old-fallback\",status=\"2xx\"}": 1,
          "relevo_requests_total{route=\"old-map\",status=\"2xx\"}": 1,
          "relevo_requests_total{route=\"held\",status=\"4xx\"}": 1,
        ])
      #expect(after["relevo_request_duration_seconds_count{route=\"new\"}"] == 3)
      #expect(after["relevo_fallbacks_refused_total{reason=\"replay-limit\"}"] == 1)
      #expect(after["relevo_double_misses_total"] == 1)
      #expect(after["relevo_bad_requests_total"] == 1)
      #expect(after["relevo_client_connections_total"] == 7)
      #expect(after["relevo_map_urls"] == 1)
      #expect(after["relevo_map_hits_total"] == 1)
      #expect(try #require(after["relevo_client_received_bytes_total"]) > 5_000)
      let asked = after.filter { $0.key.hasPrefix("relevo_origin_response_duration_seconds_count") }
      #expect(asked.values.sorted() == [3, 5])
    }
  }

  @Test("the lag of an idle loop is told below a millisecond")
  func idleLag() throws {
    try withMetrics { _, port in
      let lag = "relevo_loop_lag_seconds_bucket{worker=\"0\",le=\"0.001\"}"
      let isTold = try eventually { try scrape(port)[lag, default: 0] > 0 }
      #expect(isTold)
    }
  }

  @Test("no label holds what a client sends")
  func labels() throws {
    try withMetrics { site, port in
      try visit(site)
      let series = try scrape(port).keys
      for word in ["/old", "/none", "upload", "example.test"] {
        #expect(!series.contains { $0.contains(word) })
      }
    }
  }

  @Test("promtool finds nothing to complain of")
  func promtool() throws {
    try withMetrics { site, port in
      try visit(site)
      let check = try Tools.run(
        "/bin/sh", ["-c", "curl -sSf http://127.0.0.1:\(port)/metrics | promtool check metrics"])
      #expect(check.exit == .code(0), "\(check.errors)")
      #expect(check.errors == "")
    }
  }

  @Test("the rule about certificates warns two weeks before one ends, and says of which")
  func certificateRule() throws {
    let folder = try TemporaryFolder()
    let labels = "instance=\"a\", name=\"www.test\", file=\"/a.pem\""
    // Ends two weeks and two hours after the start of the clock, which is 0.
    try folder.write(
      "test.yml",
      """
      rule_files: ["\(Self.rules)"]
      tests:
        - interval: 1m
          input_series:
            - series: 'relevo_tls_certificate_expiry_timestamp_seconds{\(labels)}'
              values: '\((14 * 24 + 2) * 3600)x180'
          alert_rule_test:
            - {eval_time: 119m, alertname: RelevoCertificateExpires, exp_alerts: []}
            - eval_time: 121m
              alertname: RelevoCertificateExpires
              exp_alerts:
                - exp_labels: {severity: warning, instance: a, name: www.test, file: /a.pem}
                  exp_annotations: {summary: "the certificate of www.test in /a.pem at a ends in 13d 23h 59m 0s"}
      """)
    let check = try Tools.run("/usr/bin/promtool", ["test", "rules", folder.path("test.yml")])
    #expect(check.exit == .code(0), "\(check.text) \(check.errors)")
  }

  private static let rules = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../docs/prometheus/relevo.rules.yaml").standardized.path()

  /// As docs/metrics.md has it.
  private static let oldShare = """
    sum(increase(relevo_requests_total{route=~"old-.*|always-old"}[1m]))
      / sum(increase(relevo_requests_total{route!="own"}[1m]))
    """

  @Test("Prometheus scrapes it, computes the old site's share, and has no trouble with the rules")
  func prometheus() throws {
    try withMetrics { site, port in
      let prometheus = try Prometheus(scraping: port, rules: Self.rules)
      try prometheus.waitFor("relevo_ready", toBe: 1)
      try visit(site)
      // Of six answers two were the old site's.
      try prometheus.waitFor(Self.oldShare, toBe: 1.0 / 3)
      let rules = try prometheus.get("/api/v1/rules")
      #expect(rules.components(separatedBy: "\"health\":\"ok\"").count == 16)
      #expect(try prometheus.values(of: "ALERTS{alertname=\"RelevoNotReady\"}") == [])
    }
  }
}
