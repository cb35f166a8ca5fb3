import Foundation
import Testing

/// Two programs and one map file.
@Suite("One map file, one Relevo")
struct MapLockTests {
  @Test("the second one says who has the map file and ends with 75; after kill -9 of the first it starts")
  func second() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("urls.map")
    let arguments = CommandLineTests.serve + ["--map-file", path]
    let first = try ChildProcess(Relevo.binary, arguments)
    _ = try first.listeningPort()
    let second = try ChildProcess(Relevo.binary, arguments)
    #expect(try second.wait() == .code(75))
    let lines = try second.errors.untilEnd()
    #expect(lines.count == 1, "\(lines)")
    #expect(lines.first?.contains("\(path) is in use by process \(first.pid)") == true, "\(lines)")
    first.signal(SIGKILL)
    _ = try first.wait()
    let third = try ChildProcess(Relevo.binary, arguments)
    _ = try third.listeningPort()
    third.signal(SIGTERM)
    #expect(try third.wait() == .code(0))
  }

  @Test("a map file whose keys were made with another --map-key is one line with the remedy, and 78")
  func otherKey() throws {
    let folder = try TemporaryFolder()
    let arguments = CommandLineTests.serve + ["--map-file", folder.path("urls.map")]
    let first = try ChildProcess(Relevo.binary, arguments + ["--map-key", "path"])
    _ = try first.listeningPort()
    first.signal(SIGUSR1)
    _ = try first.errors.wait("the line about the file", .after(10)) { $0.contains("wrote 0 URLs") }
    first.signal(SIGKILL)
    _ = try first.wait()
    let second = try ChildProcess(Relevo.binary, arguments)
    #expect(try second.wait() == .code(78))
    let lines = try second.errors.untilEnd()
    #expect(lines.count == 1, "\(lines)")
    #expect(lines.first?.contains("give --map-key path") == true, "\(lines)")
  }
}
