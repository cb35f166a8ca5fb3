import EventLoop
import Glibc

/// Checks passwords on a thread of its own, one at a time, and knows those again that were right: somebody who tries
/// passwords holds up neither the loop nor those who are known already.
///
/// For the loop's thread.
final class PasswordChecks {
  /// Checks that may wait.
  private static let limit = 8
  /// Right ones that are known again.
  private static let knownLimit = 64
  /// What follows a wrong one, so that trying many takes long.
  private static let pauseAfterWrong = Duration.milliseconds(250)

  /// Another list makes all passwords be checked again.
  var users: UserList {
    didSet { known = [] }
  }
  private let thread: WorkThread
  private let hash = KeyedHash()
  /// The oldest first.
  private var known: [KeyedHash.Value] = []

  init(_ users: UserList) throws(EventLoopError) {
    self.users = users
    thread = try WorkThread(name: "admin-auth", limit: Self.limit)
  }

  /// Whether they were right before.
  func areKnown(_ credentials: Credentials) -> Bool {
    known.contains(hashed(credentials))
  }

  /// Has them checked by the list of now; `done` is called with it on the other thread. False when too many wait.
  func check(
    _ credentials: Credentials, done: @escaping @Sendable (_ isRight: Bool, _ users: UserList) -> Void
  ) -> Bool {
    thread.add { [users] in
      let isRight = users.isRight(credentials)
      done(isRight, users)
      if !isRight { usleep(UInt32(clamping: Self.pauseAfterWrong.wholeMilliseconds * 1000)) }
    }
  }

  /// Knows them again from now on.
  func keep(_ credentials: Credentials) {
    let value = hashed(credentials)
    guard !known.contains(value) else { return }
    if known.count == Self.knownLimit { known.removeFirst() }
    known.append(value)
  }

  func stop() { thread.stop() }

  /// A zero keeps name and password apart: no password that is right has one.
  private func hashed(_ credentials: Credentials) -> KeyedHash.Value {
    hash.hash(credentials.name + [0] + credentials.password)
  }
}
