import CSystemCalls
import Glibc

/// A pipe through which the kernel moves bytes from one socket to another without copying them (splice(2)): nobody here
/// sees them. Used on one loop's thread.
///
/// The process has to ignore SIGPIPE: splice can't be told, as a send can, not to raise it for a peer that is gone.
@safe public final class SplicePipe {
  /// What is asked for at a time. A pipe that has taken less holds it all the same: it is emptied before it is filled again.
  static let mostBytes = 256 << 10

  /// Owned, as is the other end; closed in `deinit`.
  fileprivate let readEnd: Int32
  fileprivate let writeEnd: Int32
  /// Bytes inside.
  public fileprivate(set) var count = 0

  /// Nil without descriptors.
  public init?() {
    var (read, write): (Int32, Int32) = (-1, -1)
    guard unsafe make_pipe(&read, &write, Int32(Self.mostBytes)) == 0 else { return nil }
    (readEnd, writeEnd) = (read, write)
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }
}

extension StreamSocket {
  /// Receives into an empty pipe, at most `limit` bytes, which is 1 or more.
  public final func receive(into pipe: SplicePipe, atMost limit: Int) -> Received {
    // From a pipe with bytes inside, "would block" could as well mean that it is full.
    precondition(pipe.count == 0 && limit > 0, "an empty pipe, and bytes to fill it with")
    while true {
      let count = splice_bytes(descriptor, pipe.writeEnd, min(limit, SplicePipe.mostBytes))
      if count > 0 {
        pipe.count = count
        countReceived(count)
        return .bytes(count)
      }
      if count == 0 {
        stopReading()
        return .end
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        stopReading()
        return .wouldBlock
      case let code: return .failed(errno: code)
      }
    }
  }

  /// Sends what a pipe holds.
  public final func send(_ pipe: SplicePipe) -> Flushed {
    while pipe.count > 0 {
      let count = splice_bytes(pipe.readEnd, descriptor, pipe.count)
      if count > 0 {
        pipe.count -= count
        countSent(count)
        continue
      }
      switch errno {
      case EINTR where count < 0: continue
      case EAGAIN where count < 0:
        stopWriting()
        return .blocked
      default:
        stopWriting()
        return .failed
      }
    }
    return .all
  }
}

/// Pipes of one loop that nobody uses at the moment.
public struct SplicePipes {
  private let keptPipes: Int
  private var unused: [SplicePipe] = []

  /// - Parameter keptPipes: how many wait for the next use; the rest is closed.
  public init(keptPipes: Int) {
    self.keptPipes = keptPipes
  }

  /// An empty pipe; nil without descriptors.
  public mutating func take() -> SplicePipe? {
    unused.popLast() ?? SplicePipe()
  }

  /// One that still has bytes inside is of no more use.
  public mutating func giveBack(_ pipe: SplicePipe) {
    if pipe.count == 0, unused.count < keptPipes { unused.append(pipe) }
  }
}
