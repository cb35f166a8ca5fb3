import EventLoop
import Glibc

/// Files of settings that operators write by hand.
enum SmallFile {
  /// One that is longer is most likely another file.
  private static let limitBytes = 1 << 20

  /// - Parameter flag: names the file to the operator.
  /// - Throws: ``CommandFailure`` when it can't be read or is longer than 1 MiB.
  static func contents(of path: String, flag: String) throws(CommandFailure) -> [UInt8] {
    func failure(_ code: Int32) -> CommandFailure {
      CommandFailure("\(flag) \(path) can't be read: \(systemMessage(code))", code: .configuration)
    }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(errno) }
    defer { close(descriptor) }
    var contents: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = unsafe part.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(errno) }
      guard count > 0 else { return contents }
      contents += part[..<count]
      guard contents.count <= limitBytes else {
        throw CommandFailure(
          "\(flag) \(path) is longer than 1 MiB: is it the right file?", code: .configuration)
      }
    }
  }
}
