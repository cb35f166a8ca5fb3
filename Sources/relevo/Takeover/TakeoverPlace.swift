import EventLoop
import Glibc

/// The name of a place where a process listens, the same for each process that means the same place.
enum TakeoverPlace {
  /// `127.0.0.1:8080`, or for a unix socket which file it is; nil for one that is not there.
  static func name(of address: SocketAddress) -> String? {
    guard address.hostBytes == nil else { return address.description }
    guard let path = address.unixPath else { return nil }
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return "unix/\(status.st_dev):\(status.st_ino)"
  }

  /// Where a process that wants to take over from the one that listens at `place` finds it, in the abstract namespace.
  static func rendezvous(_ place: String) -> String { "relevo/\(place)" }

  /// Whether a process of this user may take over, or be taken over from.
  static func isTrusted(_ peer: LocalChannel.Peer) -> Bool {
    peer.userID == 0 || peer.userID == geteuid()
  }
}
