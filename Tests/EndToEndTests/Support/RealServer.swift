import Foundation

/// A folder that goes away with its last reference.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("relevo-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func path(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ name: String, _ bytes: Bytes) throws {
    let url = URL(fileURLWithPath: path(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  func write(_ name: String, _ text: String) throws { try write(name, Bytes(text: text)) }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  /// Not by `String(contentsOfFile:)`, which leaks a buffer for each empty file.
  func read(_ name: String) throws -> String {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path(name)))
    defer { try? file.close() }
    return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
  }
}

/// A real nginx that serves a folder of files.
final class RealServer: Origin {
  var port: UInt16 { server.port }
  var folder: TemporaryFolder { server.folder }
  private let server: Daemon

  /// Starts nginx with these pages in its root, and `block` as the rest of its server block.
  init(pages: [String: Bytes], block: String = "") throws {
    server = try .nginx(
      http: [
        """
        log_format connections '$connection $connection_requests $status "$request" $http_x_forwarded_for';
        """
      ], server: ["root www; access_log access.log connections;", block])
    for (name, page) in pages { try folder.write("www/\(name)", page) }
  }

  /// One request as nginx logged it.
  struct Entry: Equatable {
    let connection: String
    let number: Int
    let status: Int
    let request: String
    let forwardedFor: String
  }

  /// The access log so far.
  var entries: [Entry] {
    get throws {
      try folder.read("access.log").split(separator: "\n").compactMap { line in
        let parts = line.components(separatedBy: "\"")
        guard parts.count == 3 else { return nil }
        let numbers = parts[0].split(separator: " ")
        guard numbers.count == 3, let number = Int(numbers[1]), let status = Int(numbers[2]) else {
          return nil
        }
        return Entry(
          connection: String(numbers[0]), number: number, status: status, request: parts[1],
          forwardedFor: parts[2].trimmingCharacters(in: .whitespaces))
      }
    }
  }

  /// Waits until the log has so many entries, and returns them.
  func entries(atLeast count: Int) throws -> [Entry] {
    guard try eventually({ try entries.count >= count }) else {
      throw HarnessError.deadline("\(count) lines in nginx's log, has \(try entries.count)")
    }
    return try entries
  }
}

/// Command-line clients.
enum Tools {
  struct Output {
    let exit: Exit
    let text: String
    let errors: String
  }

  static func run(_ path: String, _ arguments: [String], _ deadline: Deadline = .after(20)) throws -> Output {
    let process = try ChildProcess(path, arguments)
    let exit = try process.wait(deadline)
    return Output(
      exit: exit, text: try process.output.untilEnd().joined(separator: "\n"),
      errors: try process.errors.untilEnd().joined(separator: "\n"))
  }

  static func curl(_ arguments: String...) throws -> Output {
    try run("/usr/bin/curl", ["-sS", "--max-time", "15"] + arguments)
  }

  static func wrk(_ url: String, connections: Int, seconds: Int) throws -> Output {
    try run(
      "/usr/bin/wrk", ["-t1", "-c\(connections)", "-d\(seconds)s", "--timeout", "10s", url], .after(30))
  }
}
