import Glibc
import Testing

@testable import URLMap

@Suite("The map's lock")
struct MapLockTests {
  let folder = TemporaryFolder()

  @Test("one at a time holds it, the other learns who; when it is given back, the next has it")
  func oneAtATime() throws {
    let path = folder["urls.map"]
    var first: MapLock? = try MapLock(mapPath: path)
    #expect(throws: SnapshotError.locked(path: path, holder: getpid())) { try MapLock(mapPath: path) }
    withExtendedLifetime(first) {}
    first = nil
    let second = try MapLock(mapPath: path)
    #expect(exists(path + ".lock"))
    #expect(readFile(path + ".lock") == Array("\(getpid())\n".utf8))
    withExtendedLifetime(second) {}
  }

  @Test(
    "what stands in the file is overwritten, and is no process that it cannot be",
    arguments: ["", "-4", "x", "0"])
  func strangeText(text: String) throws {
    let path = folder["urls.map"]
    writeFile(path + ".lock", Array(text.utf8))
    let held = try MapLock(mapPath: path)
    writeFile(path + ".lock", Array(text.utf8))
    let error = #expect(throws: SnapshotError.locked(path: path, holder: nil)) { try MapLock(mapPath: path) }
    #expect(try #require(error).description.contains("another process"))
    withExtendedLifetime(held) {}
  }

  @Test("a symbolic link is not followed, and a folder that is not there is said")
  func refuses() {
    symlink(folder["elsewhere"], folder["urls.map.lock"])
    #expect(throws: SnapshotError.self) { try MapLock(mapPath: folder["urls.map"]) }
    #expect(!exists(folder["elsewhere"]))
    #expect(throws: SnapshotError.self) { try MapLock(mapPath: folder["none/urls.map"]) }
  }
}
