import EventLoop
import Foundation
import Testing

@testable import Admin
@testable import Proxy
@testable import TLS
@testable import URLMap

@Suite("the metrics as Prometheus gets them")
struct MetricsSnapshotTests {
  private let text: String

  init() throws {
    let worker = WorkerMetrics()
    for counter in ProxyCounter.allCases { worker.count(counter) }
    for (place, route) in Route.allCases.enumerated() {
      worker.requestEnded(route, status: 200)
      worker.requestTook(route, us: 300 << UInt64(2 * place))
    }
    worker.loopTurned(.init(nowUs: 1_000_000, dueUs: 998_800, count: 1, everyUs: 100_000))
    var proxy = ProxyMetrics()
    proxy.add(worker)
    proxy.loops = [worker.loop(nowUs: 1_070_000)]
    proxy.openConnections = 7
    proxy.logDroppedLines = 8
    let origin = OriginStatus(
      id: "a\"b", site: .new, authority: "new.internal", address: "[::1]:80", weight: 1, max: 5, mode: .ready,
      checked: .up, condition: .up, inFlight: 2, requests: 90, failures: 3, since: 1_772_368_496)
    let certificate = CertificateFacts(
      path: "/etc/relevo/site.pem", names: ["www.example.com", "example.com"], notBefore: 1_772_368_000,
      notAfter: 1_780_000_000)
    let map = URLMap(.init(maxURLs: 1000))
    defer { map.shutdown() }
    let snapshot = MetricsSnapshot(
      version: "0.1.0", isReady: true, isDraining: false, proxy: proxy,
      sites: [SiteStatus(site: .new, queued: 4), SiteStatus(site: .old, queued: 0)], origins: [origin],
      certificates: [certificate, certificate], map: map.statistics, mapLimit: 1000,
      keeper: MapKeeper.Statistics(
        state: .loaded, snapshots: 4, snapshotFailures: 1,
        lastSnapshot: MapKeeper.Snapshot(at: 1_772_368_496, took: .milliseconds(12), urls: 99),
        journalled: 5, journalFailures: 6, journalLost: 7),
      adminRefusals: [.foreignHost: 9],
      lastReload: SettingsInForce.LastReload(wasSuccessful: false, successAt: 1_772_368_400),
      process: ProcessFigures.current())
    text = String(decoding: snapshot.prometheusText, as: UTF8.self)
  }

  @Test("promtool finds nothing to complain of")
  func isCleanForPromtool() throws {
    var template = Array("/tmp/relevo-metrics-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    try #require(file >= 0)
    let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    defer {
      close(file)
      unlink(path)
    }
    let bytes = Array(text.utf8)
    try #require(write(file, bytes, bytes.count) == bytes.count)
    #expect(system("promtool check metrics < \(path) >&2") == 0)
  }

  @Test(
    "has a line for what an operator asks",
    arguments: [
      "relevo_build_info{version=\"0.1.0\"} 1", "relevo_ready 1", "relevo_draining 0", "relevo_workers 1",
      "relevo_requests_total{route=\"new\",status=\"2xx\"} 1",
      "relevo_requests_total{route=\"own\",status=\"5xx\"} 0",
      "relevo_request_duration_seconds_count{route=\"old-map\"} 1", "relevo_client_connections 7",
      "relevo_fallbacks_refused_total{reason=\"replay-limit\"} 1",
      "relevo_queue_refused_total{reason=\"full\"} 1", "relevo_queue_refused_total{reason=\"timeout\"} 1",
      "relevo_queued_requests{site=\"new\"} 4", "relevo_queued_requests{site=\"old\"} 0",
      "relevo_origin_state{origin=\"a\\\"b\",site=\"new\",state=\"up\"} 1",
      "relevo_origin_state{origin=\"a\\\"b\",site=\"new\",state=\"off\"} 0",
      "relevo_origin_requests_in_flight{origin=\"a\\\"b\",site=\"new\"} 2", "relevo_map_urls_limit 1000",
      "relevo_map_snapshot_timestamp_seconds 1772368496", "relevo_map_snapshot_duration_seconds 0.012",
      "relevo_map_snapshot_failures_total 1", "relevo_map_journal_lost_changes_total 7",
      "relevo_loop_lag_seconds_sum{worker=\"0\"} 0.0012",
      "relevo_loop_last_turn_age_seconds{worker=\"0\"} 0.07", "relevo_access_log_dropped_lines_total 8",
      "relevo_admin_refused_total{reason=\"foreign-host\"} 9",
      "relevo_admin_refused_total{reason=\"unauthorized\"} 0",
      "relevo_tls_certificate_expiry_timestamp_seconds{name=\"www.example.com\",file=\"/etc/relevo/site.pem\"} 1780000000",
    ])
  func hasLine(_ line: String) {
    #expect(text.split(separator: "\n").contains { $0 == line })
  }

  /// A file of the repository.
  private func file(_ path: String) throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
    return try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  private var families: Set<Substring> {
    Set(text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] })
  }

  @Test("the documentation has every name, and none that there is not")
  func isDocumented() throws {
    let documented = try file("docs/metrics.md").matches(of: /`((?:relevo|process)_[a-z0-9_]+)`/).map(
      \.output.1)
    #expect(Set(documented).subtracting(families) == [])
    #expect(families.subtracting(documented) == [])
  }

  @Test("the example rules are rules, and ask for what there is")
  func rules() throws {
    let path = "docs/prometheus/relevo.rules.yaml"
    let rules = try file(path)
    let asked = rules.matches(of: /(?:relevo|process)_[a-z0-9_]+/).map { name in
      name.output.hasSuffix("_bucket") ? name.output.dropLast(7) : name.output
    }
    #expect(Set(asked).subtracting(families) == [])
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").path()
    #expect(system("promtool check rules '\(root)/\(path)' >/dev/null") == 0)
    let alerts = rules.matches(of: /alert: (\w+)/).map(\.output.1)
    let explained = try file("docs/metrics.md").matches(of: /`(Relevo\w+)`/).map(\.output.1)
    #expect(alerts == explained)
  }

  @Test("buckets grow to the count, and each family stands in one piece")
  func isWellFormed() {
    var seen: Set<Substring> = []
    var family: Substring = ""
    var last: (series: Substring, value: UInt64) = ("", 0)
    for line in text.split(separator: "\n") {
      if line.hasPrefix("# HELP ") {
        family = line.split(separator: " ")[2]
        #expect(seen.insert(family).inserted)
        continue
      }
      if line.hasPrefix("#") { continue }
      #expect(line.hasPrefix(family))
      guard let bucket = line.firstRange(of: "le=\""),
        let value = UInt64(line.split(separator: " ").last ?? "")
      else { continue }
      let series = line[..<bucket.lowerBound]
      if series == last.series { #expect(value >= last.value) }
      last = (series, value)
    }
    #expect(seen == families)
  }

  @Test("has the series of the snapshots before the first one, at 0")
  func noSnapshotYet() {
    let snapshot = MetricsSnapshot(
      version: "1", isReady: false, isDraining: false, proxy: ProxyMetrics(), sites: [], origins: [],
      certificates: [],
      map: URLMap().statistics, mapLimit: 1,
      keeper: MapKeeper.Statistics(
        state: .loaded, snapshots: 0, snapshotFailures: 0, lastSnapshot: nil, journalled: 0,
        journalFailures: 0,
        journalLost: 0), adminRefusals: [:],
      lastReload: SettingsInForce.LastReload(wasSuccessful: true, successAt: 1), process: nil)
    let lines = String(decoding: snapshot.prometheusText, as: UTF8.self).split(separator: "\n")
    for name in ["timestamp_seconds", "duration_seconds", "urls"] {
      #expect(lines.contains { $0 == "relevo_map_snapshot_\(name) 0" }, "\(name)")
    }
  }

  @Test("no counter of the proxy is left out")
  func isComplete() {
    var proxy = ProxyMetrics()
    for counter in ProxyCounter.allCases { proxy[counter] = 7_000_000 + UInt64(counter.rawValue) }
    let snapshot = MetricsSnapshot(
      version: "1", isReady: false, isDraining: false, proxy: proxy, sites: [], origins: [], certificates: [],
      map: URLMap().statistics, mapLimit: 1, keeper: nil, adminRefusals: [:],
      lastReload: SettingsInForce.LastReload(wasSuccessful: true, successAt: 1), process: nil)
    let values = Set(
      String(decoding: snapshot.prometheusText, as: UTF8.self).split(separator: "\n").compactMap {
        $0.split(separator: " ").last
      })
    // What is told for each server, or as what is under way, has no sum of its own.
    for counter in ProxyCounter.allCases
    where ![.requests, .originFailures, .learned, .forgotten].contains(counter) {
      #expect(values.contains("\(proxy[counter])"), "\(counter)")
    }
  }

  @Test("the process tells about itself what the system tells")
  func process() throws {
    let process = try #require(ProcessFigures.current())
    #expect(process.residentBytes > 1 << 20)
    #expect(process.virtualBytes >= process.residentBytes)
    #expect(process.cpuUs > 0)
    #expect(process.threads >= 1)
    #expect(process.openFiles >= 3)
    let age = Double(time(nil)) - Double(process.startedCentiseconds) / 100
    #expect(age > -2 && age < 7_200)
    let opened = try (0..<40).map { _ in try #require(Optional(open("/dev/null", O_RDONLY))) }
    defer {
      for descriptor in opened { close(descriptor) }
    }
    #expect(try #require(ProcessFigures.current()).openFiles >= 40)
  }

  @Test("a program's name with blanks and parentheses does not confuse what the kernel tells of it")
  func programName() throws {
    let rest = (4...52).map { "\($0)" }.joined(separator: " ")
    let fields = try #require(ProcessFigures.StatFields("123 (a) b (c) S \(rest)\n"))
    #expect(fields.threads == 20)
    #expect(fields.startTicks == 22)
    #expect(fields.virtualBytes == 23)
    #expect(fields.residentPages == 24)
    #expect(ProcessFigures.StatFields("123 (a) S 1 2") == nil)
    #expect(ProcessFigures.StatFields("") == nil)
  }
}
