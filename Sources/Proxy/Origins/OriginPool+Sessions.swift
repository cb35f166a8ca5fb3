import Glibc
import HTTP1

extension OriginPool {
  /// The server that a session is to be asked of: its own while that can be asked at all. Else one that its value chooses,
  /// which is the same for all its requests and on all workers for as long as the same servers are up: an application may
  /// take an unknown id for a new session's, and set no cookie that would bind it to its new server.
  ///
  /// - Parameters:
  ///   - bytes: where the session's value lies.
  ///   - mayTry: the request may find out whether its own server answers again.
  /// - Returns: nil when no server is up, or when it may be the one that finds that out.
  func home(of session: StickyCookie.Session, in bytes: RawSpan, mayTry: Bool, nowMs: UInt64) -> OriginServer?
  {
    if let server = session.server, server < servers.count {
      let own = servers[server]
      switch own.state.mode == .off ? .nothing : own.availability(nowMs: nowMs) {
      case .share: return own
      case .trial: if mayTry, own.state.mode == .ready { return nil }
      case .nothing: break
      }
    }
    let value = bytes.extracting(session.value.range)
    var home: OriginServer?
    var best = -Double.infinity
    for server in servers where server.state.mode == .ready {
      guard case .share = server.availability(nowMs: nowMs) else { continue }
      let score = server.score(for: value)
      if score > best { (home, best) = (server, score) }
    }
    return home
  }
}

extension OriginServer {
  fileprivate func availability(nowMs: UInt64) -> PassiveHealth.Availability {
    state.checked == .down ? .nothing : state.availability(nowMs: nowMs)
  }

  /// The server with the highest score for a value gets it: each as many as its weight says, and those of a server that
  /// goes are shared by the others while all else stays (weighted rendezvous hashing).
  fileprivate func score(for value: RawSpan) -> Double {
    var hash = sessionSeed
    for offset in 0..<value.byteCount { hash = SessionHash.mix(hash, value.byte(at: offset)) }
    return -Double(state.weight) / log(SessionHash.unit(hash))
  }
}

/// A hash that is the same after a restart and on other machines.
enum SessionHash {
  /// FNV-1a of 64 bits.
  static func seed(_ id: [UInt8]) -> UInt64 { id.reduce(0xCBF2_9CE4_8422_2325, mix) }

  static func mix(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }

  /// A number between 0 and 1, and neither: of 53 bits on which all of the hash's have had their effect (MurmurHash3's
  /// last step).
  static func unit(_ hash: UInt64) -> Double {
    var bits = (hash ^ (hash >> 33)) &* 0xFF51_AFD7_ED55_8CCD
    bits = (bits ^ (bits >> 33)) &* 0xC4CE_B9FE_1A85_EC53
    bits ^= bits >> 33
    return (Double(bits >> 11) + 0.5) * 0x1p-53
  }
}
