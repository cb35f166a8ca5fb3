import Glibc

/// One process's right to write a map file and its journal, as long as it is held.
///
/// It is a lock of the system's on `path.lock`, a file that stays: it ends with the process, however that ends, so
/// none is ever left over. The file holds the owner's process id, for the message that others get. Who only reads a
/// map file needs no lock.
///
/// It can be handed to another process: the lock belongs to the open file, which two of them may have for a while. Who of
/// them writes is theirs to agree upon.
public final class MapLock: Sendable {
  /// Which file the lock is on, whatever paths lead there.
  public struct Identity: Sendable, Equatable {
    public let device: UInt64
    public let file: UInt64

    public init(device: UInt64, file: UInt64) {
      self.device = device
      self.file = file
    }
  }

  private let file: Locked<FileDescriptor?>

  /// Takes the lock of the map file at `path`; does not wait for it.
  ///
  /// - Throws: ``SnapshotError/locked(path:holder:)`` when a process has it, this one included.
  public init(mapPath path: String) throws(SnapshotError) {
    let file = try FileDescriptor(
      opening: path + ".lock", O_RDWR | O_CREAT | O_NOFOLLOW, to: "open the lock of the URL map")
    guard try file.lockIfFree() else {
      let text = try file.read(32, behind: [UInt8]().span)
      throw .locked(path: path, holder: MapLock.processID(in: text.span))
    }
    self.file = Locked(consume file)
    writeOwner()
  }

  /// Takes over the lock of the map file at `path` from the process that sent the descriptor, which is this object's from now on.
  ///
  /// - Throws: ``SnapshotError/locked(path:holder:)`` when it is not that lock.
  public init(mapPath path: String, inheriting descriptor: Int32) throws(SnapshotError) {
    let file = FileDescriptor(adopting: descriptor, path: path + ".lock")
    guard file.isInPlace, try file.lockIfFree() else { throw .locked(path: path, holder: nil) }
    self.file = Locked(consume file)
  }

  /// Writes this process's id into the file.
  public func writeOwner() {
    file.withLock { file in
      // Only a message depends on it: a full disk is no reason not to start.
      try? file?.truncate(to: 0)
      try? file?.write(Array("\(getpid())\n".utf8).span, at: 0)
    }
  }

  /// Of the lock that the map file at `path` has; nil when it has none.
  public static func identity(mapPath path: String) -> Identity? {
    var status = stat()
    guard unsafe stat(path + ".lock", &status) == 0 else { return nil }
    return Identity(device: UInt64(status.st_dev), file: UInt64(status.st_ino))
  }

  /// A descriptor to be sent, which is the caller's; nil when none is left, or the lock was let go.
  public func duplicate() -> Int32? {
    file.withLock { $0?.duplicate() }
  }

  /// Lets go of the lock, which another process may still have.
  public func release() {
    file.withLock { $0 = nil }
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
