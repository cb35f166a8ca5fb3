import Foundation
import Testing

/// The real program, started with real flags on a port of its own.
final class Relevo: Sendable {
  /// Beside the test bundle, unless `RELEVO_TEST_BINARY` names another.
  static let binary: String =
    ProcessInfo.processInfo.environment["RELEVO_TEST_BINARY"]
    ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appendingPathComponent("relevo").path

  let process: ChildProcess
  /// The port of the first listener; 0 when it is none on 127.0.0.1.
  let port: UInt16
  /// The port of the first listener with TLS; 0 when there is none on 127.0.0.1.
  let tlsPort: UInt16
  /// What the program listens on, as it says itself.
  let listeners: [String]
  /// Kept alive as long as the proxy that talks to them.
  private let origins: [any Origin]

  /// Starts `relevo serve` and waits until it accepts. Flags that are not given: any loopback port, one
  /// worker, the access log on standard output, no probes, as origins record all that reaches them. `shell` is run before, in the shell that becomes the program. Sockets are handed
  /// over as systemd does it, and stand in for the listener.
  init(
    new: [any Origin], old: [any Origin], flags: [String] = [], environment: [String: String] = [:],
    shell: String? = nil, sockets: [Int32] = []
  ) throws {
    origins = new + old
    var arguments = ["serve"]
    if !flags.contains("--listen"), sockets.isEmpty { arguments += ["--listen", "127.0.0.1:0"] }
    if !flags.contains("--workers") { arguments += ["--workers", "1"] }
    if !flags.contains("--access-log") { arguments += ["--access-log", "-"] }
    if !flags.contains("--startup-probes") { arguments += ["--no-startup-probes"] }
    for origin in new { arguments += ["--new", origin.url] }
    for origin in old { arguments += ["--old", origin.url] }
    arguments += flags
    if !sockets.isEmpty {
      process = try ChildProcess(
        "/bin/sh", ["-c", "export LISTEN_PID=$$; exec \"$0\" \"$@\"", Relevo.binary] + arguments,
        environment: ["LISTEN_FDS": "\(sockets.count)"].merging(environment) { $1 }, descriptors: sockets)
    } else if let shell {
      process = try ChildProcess(
        "/bin/sh", ["-c", "\(shell); exec \"$0\" \"$@\"", Relevo.binary] + arguments,
        environment: environment)
    } else {
      process = try ChildProcess(Relevo.binary, arguments, environment: environment)
    }
    let tlsCount = flags.count { $0 == "--tls-listen" }
    let wanted = max(1, flags.count { $0 == "--listen" }) + tlsCount
    let lines = try process.errors.wait("the line that says where it listens", count: wanted, .after(10)) {
      $0.contains("listening on ")
    }
    listeners = lines.map { line in
      let name = line[line.range(of: "listening on ")!.upperBound...]
      return String(name.prefix { $0 != " " && $0 != "," && $0 != "\"" })
    }
    func port(_ names: ArraySlice<String>) -> UInt16 {
      names.lazy.compactMap { name in
        name.hasPrefix("127.0.0.1:") ? UInt16(name.dropFirst("127.0.0.1:".count)) : nil
      }.first ?? 0
    }
    self.port = port(listeners[...])
    tlsPort = port(listeners.suffix(tlsCount))
  }

  /// Ends the program as an operator does, and tells how it ended.
  @discardableResult
  func terminate(_ deadline: Deadline = .after(15)) throws -> Exit {
    process.signal(SIGTERM)
    return try process.wait(deadline)
  }

  /// Ends the program without a chance to tidy up.
  func kill() throws {
    process.signal(SIGKILL)
    _ = try process.wait()
  }

  /// Waits for so many lines of the access log on standard output about this target; returns the last.
  func log(_ target: String, count: Int = 1, _ deadline: Deadline = .after()) throws -> LogLine {
    let lines = try process.output.wait("\(count) log lines about \(target)", count: count, deadline) {
      $0.contains(" \(target) HTTP/1.")
    }
    return LogLine(lines[lines.count - 1])
  }
}

extension ChildProcess {
  /// Waits until the program, started by hand, says that it listens on 127.0.0.1, and tells the port.
  func listeningPort() throws -> UInt16 {
    let start = "listening on 127.0.0.1:"
    let line = try errors.wait("the line that says where it listens", .after(10)) { $0.contains(start) }[0]
    guard let port = UInt16(line.components(separatedBy: start)[1].prefix { $0.isNumber }) else {
      throw HarnessError.malformed(line)
    }
    return port
  }
}

/// One line of the access log.
struct LogLine {
  let text: String

  init(_ text: String) { self.text = text }

  private func value(_ name: String) -> String? {
    text.components(separatedBy: " ").last { $0.hasPrefix("\(name)=") }.map {
      String($0.dropFirst(name.count + 1))
    }
  }

  var route: String? { value("route") }
  /// Seconds from the first byte of the request to the last of its answer.
  var time: Double? { value("time").flatMap(Double.init) }
  var notes: [String] { value("note")?.components(separatedBy: ",").filter { $0 != "-" } ?? [] }
  /// Address, status and seconds of the attempt at the new pool; nil when there was none.
  var new: [String]? { attempt("new") }
  /// Address, status and seconds of the attempt at the old server; nil when there was none.
  var old: [String]? { attempt("old") }

  private func attempt(_ name: String) -> [String]? {
    value(name).flatMap { $0 == "-" ? nil : $0.components(separatedBy: ",") }
  }
}

/// A new and an old scripted site with Relevo in front of them.
struct Site {
  let new: ScriptedOrigin
  let old: ScriptedOrigin
  let relevo: Relevo

  func client() throws -> Client { try Client(relevo.port) }

  /// One request over a connection of its own, and its answer.
  func get(
    _ target: String, _ fields: [String] = [], method: String = "GET", body: Bytes? = nil,
    deadline: Deadline = .after()
  ) throws -> Answer {
    try client().get(target, fields, method: method, body: body, deadline: deadline)
  }

  func log(_ target: String, count: Int = 1) throws -> LogLine { try relevo.log(target, count: count) }

  /// Makes a URL known by visiting it once.
  func learn(_ target: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let answer = try get(target)
    #expect(answer.status == 200, "the page to learn", sourceLocation: sourceLocation)
    #expect(
      try log(target).notes.contains("learned"), "the page to learn", sourceLocation: sourceLocation)
    settle()
  }

  /// Gives the map's writer its turn: a URL is learned a moment after its answer.
  func settle() { usleep(50_000) }
}

/// Runs a test against Relevo in front of any origins. Afterwards the program must still be alive, and end
/// with status 0 when it is asked to.
func withRelevo<Result>(
  new: [any Origin], old: [any Origin], _ flags: String..., environment: [String: String] = [:],
  shell: String? = nil, sourceLocation: SourceLocation = #_sourceLocation, _ test: (Relevo) throws -> Result
) throws -> Result {
  try withRelevo(
    new: new, old: old, flags: flags, environment: environment, shell: shell, sourceLocation: sourceLocation,
    test)
}

func withRelevo<Result>(
  new: [any Origin], old: [any Origin], flags: [String], environment: [String: String] = [:],
  shell: String? = nil, sourceLocation: SourceLocation = #_sourceLocation, _ test: (Relevo) throws -> Result
) throws -> Result {
  let relevo = try Relevo(new: new, old: old, flags: flags, environment: environment, shell: shell)
  return try finishing(relevo, sourceLocation) { try test(relevo) }
}

/// Runs a test against Relevo in front of one new and one old scripted origin.
func withSite<Result>(
  new: @autoclosure () throws -> ScriptedOrigin, old: @autoclosure () throws -> ScriptedOrigin,
  _ flags: String..., sourceLocation: SourceLocation = #_sourceLocation, _ test: (Site) throws -> Result
) throws -> Result {
  let (new, old) = (try new(), try old())
  let relevo = try Relevo(new: [new], old: [old], flags: flags)
  return try finishing(relevo, sourceLocation) { try test(Site(new: new, old: old, relevo: relevo)) }
}

/// As above, with a listener with TLS beside the other; the certificates are for `localhost` unless they are given.
func withTLS(
  new: ScriptedOrigin, old: ScriptedOrigin? = nil, certificates: [Authority.Pair]? = nil, _ flags: String...,
  sourceLocation: SourceLocation = #_sourceLocation, test: (Relevo) throws -> Void
) throws {
  let pairs = try certificates ?? [Authority.shared.get().sign(["localhost"])]
  let files = pairs.flatMap { ["--tls-cert", $0.certificate] } + pairs.flatMap { ["--tls-key", $0.key] }
  try withRelevo(
    new: [new], old: [old ?? .always(404)], flags: ["--tls-listen", "127.0.0.1:0"] + files + flags,
    sourceLocation: sourceLocation, test)
}

/// As above, with a client of HTTP/2 that has sent its settings.
func withHTTP2(
  new: ScriptedOrigin, old: ScriptedOrigin? = nil, settings: [(UInt16, UInt32)] = [], _ flags: String...,
  sourceLocation: SourceLocation = #_sourceLocation, test: (Relevo, HTTP2Client) throws -> Void
) throws {
  try withRelevo(
    new: [new], old: [old ?? .always(404)], flags: ["--h2c"] + flags, sourceLocation: sourceLocation
  ) {
    try test($0, HTTP2Client($0.port, settings: settings))
  }
}

private func finishing<Result>(
  _ relevo: Relevo, _ sourceLocation: SourceLocation, _ test: () throws -> Result
) throws -> Result {
  do {
    let result = try test()
    let alive = relevo.process.isRunning
    relevo.process.signal(SIGTERM)
    let exit = try? relevo.process.wait(.after(15))
    if !alive || exit != .code(0) {
      Issue.record(
        """
        relevo \(alive ? "did not end with status 0 on SIGTERM" : "ended during the test"): \
        \(exit.map { "\($0)" } ?? "it had to be killed")
        \(relevo.process.errors.all.suffix(30).joined(separator: "\n"))
        """, sourceLocation: sourceLocation)
    }
    return result
  } catch {
    Issue.record(
      """
      \(error); relevo \(relevo.process.isRunning ? "runs" : "has ended") and said:
      \((relevo.process.errors.all + relevo.process.output.all).suffix(30).joined(separator: "\n"))
      """, sourceLocation: sourceLocation)
    throw error
  }
}
