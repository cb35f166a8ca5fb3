import Foundation

/// A real Prometheus that scrapes one target every second.
final class Prometheus: Sendable {
  private let port: UInt16
  private let folder: TemporaryFolder
  private let process: ChildProcess

  /// - Parameter rules: a file of rules that it evaluates as well.
  init(scraping target: UInt16, rules: String) throws {
    port = try Ports.free()
    folder = try TemporaryFolder()
    try folder.write(
      "prometheus.yml",
      """
      global: {scrape_interval: 1s, evaluation_interval: 1s}
      rule_files: ["\(rules)"]
      scrape_configs:
        - job_name: relevo
          static_configs: [{targets: ["127.0.0.1:\(target)"]}]
      """)
    process = try ChildProcess(
      "/usr/bin/prometheus",
      [
        "--config.file=\(folder.path("prometheus.yml"))", "--storage.tsdb.path=\(folder.path("data"))",
        "--web.listen-address=127.0.0.1:\(port)",
      ])
    let port = port
    guard eventually(within: .after(30), { (try? Client(port).get("/-/ready").status) == 200 }) else {
      throw HarnessError.deadline("prometheus: \(process.errors.text)")
    }
  }

  /// What it answers at this path of its API.
  func get(_ path: String) throws -> String {
    let answer = try Client(port).get(path)
    guard answer.status == 200 else { throw HarnessError.malformed("\(path): \(answer)") }
    return answer.text
  }

  /// The values of an expression, one for each series; those that are no number are left out.
  func values(of expression: String) throws -> [Double] {
    let query = expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    // "value":[1772368496.12,"0.25"]
    return try get("/api/v1/query?query=\(query)").matches(of: /"value":\[[0-9.]+,"([^"]*)"\]/)
      .compactMap { Double($0.output.1) }.filter(\.isFinite)
  }

  /// Waits until an expression has one value, about this one.
  func waitFor(_ expression: String, toBe value: Double, _ deadline: Deadline = .after(30)) throws {
    var values: [Double] = []
    while !deadline.hasPassed {
      values = try self.values(of: expression)
      if let only = values.first, values.count == 1, abs(only - value) < 0.01 { return }
      usleep(200_000)
    }
    throw HarnessError.deadline("\(expression) to be \(value), was \(values)")
  }
}

extension Prometheus {
  /// One series of an answer.
  struct Series {
    let labels: [String: String]
    let value: Double
  }

  /// The series of an expression.
  func series(of expression: String) throws -> [Series] {
    struct Answer: Decodable {
      struct Body: Decodable {
        let result: [One]
      }
      struct One: Decodable {
        let metric: [String: String]
        let value: Value
      }
      /// `[1772368496.12, "0.25"]`
      struct Value: Decodable {
        let number: Double
        init(from decoder: any Decoder) throws {
          var values = try decoder.unkeyedContainer()
          _ = try values.decode(Double.self)
          number = Double(try values.decode(String.self)) ?? .nan
        }
      }
      let data: Body
    }
    let query = expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    let text = try get("/api/v1/query?query=\(query)")
    return try JSONDecoder().decode(Answer.self, from: Data(text.utf8)).data.result.map {
      Series(labels: $0.metric, value: $0.value.number)
    }
  }
}
