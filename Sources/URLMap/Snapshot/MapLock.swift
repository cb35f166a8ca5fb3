import Glibc

/// One process's right to write a map file and its journal, as long as it is held.
///
/// It is a lock of the system's on `path.lock`, a file that stays: it ends with the process, however that ends, so
/// none is ever left over. The file holds the owner's process id, for the message that others get. Who only reads a
/// map file needs no lock.
public final class MapLock: Sendable {
  private let file: FileDescriptor

  /// Takes the lock of the map file at `path`; does not wait for it.
  ///
  /// - Throws: ``SnapshotError/locked(path:holder:)`` when a process has it, this one included.
  public init(mapPath path: String) throws(SnapshotError) {
    file = try FileDescriptor(
      opening: path + ".lock", O_RDWR | O_CREAT | O_NOFOLLOW, to: "open the lock of the URL map")
    try take(for: path)
  }

  private func take(for path: String) throws(SnapshotError) {
    guard try file.lockIfFree() else {
      let text = try file.read(32, behind: [UInt8]().span)
      throw .locked(path: path, holder: MapLock.processID(in: text.span))
    }
    // Only a message depends on it: a full disk is no reason not to start.
    try? file.truncate(to: 0)
    try? file.write(Array("\(getpid())\n".utf8).span)
  }

  private static func processID(in text: Span<UInt8>) -> Int32? {
    var number: Int32 = 0
    for index in text.indices {
      guard case let digit = text[index] &- UInt8(ascii: "0"), digit < 10, number < 100_000_000 else { break }
      number = number * 10 + Int32(digit)
    }
    return number > 0 ? number : nil
  }
}
