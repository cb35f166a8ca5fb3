import COpenSSL
import EventLoop
import Glibc

/// The keys that session tickets are sealed with (RFC 5077, 4): new ones every four hours, kept until no ticket made with them
/// is valid any more. Shared by all loops, and kept when certificates are read again. Any thread may use it.
public final class TicketKeys: Sendable {
  /// How long a session can be gone on with.
  static let lifetimeSeconds = 8 * 3600
  private static let renewalSeconds = 4 * 3600

  struct Key {
    var name: [UInt8]
    var cipher: [UInt8]
    var authentication: [UInt8]
    var madeAt: Int

    /// Nil without randomness.
    init?(at now: Int) {
      guard let name = Self.random(16), let cipher = Self.random(32), let authentication = Self.random(32)
      else {
        return nil
      }
      (self.name, self.cipher, self.authentication, madeAt) = (name, cipher, authentication, now)
    }

    private static func random(_ count: Int) -> [UInt8]? {
      var bytes = [UInt8](repeating: 0, count: count)
      return unsafe RAND_bytes(&bytes, Int32(count)) == 1 ? bytes : nil
    }
  }

  /// The newest first.
  private let keys = Locked<[Key]>([])

  public init() {}

  /// The key for a new ticket.
  func current(at now: Int) -> Key? {
    keys.withLock { keys in
      if let newest = keys.first, now - newest.madeAt < Self.renewalSeconds { return newest }
      guard let key = Key(at: now) else { return nil }
      keys.insert(key, at: 0)
      keys.removeAll { now - $0.madeAt >= Self.renewalSeconds + Self.lifetimeSeconds }
      return key
    }
  }

  /// The key that an old ticket names, and whether it is still the one for new tickets.
  func find(_ name: UnsafeRawBufferPointer, at now: Int) -> (key: Key, isCurrent: Bool)? {
    keys.withLock { keys in
      guard let place = keys.firstIndex(where: { unsafe $0.name.elementsEqual(name) }) else { return nil }
      let age = now - keys[place].madeAt
      guard age < Self.renewalSeconds + Self.lifetimeSeconds else { return nil }
      return (keys[place], place == 0 && age < Self.renewalSeconds)
    }
  }

  static func attach(to context: OpaquePointer) {
    unsafe SSL_CTX_set_tlsext_ticket_key_evp_cb(context) { ssl, name, iv, cipher, mac, seals in
      guard let owner = unsafe TLSContext.of(ssl) as? TLSServerContext, let name = unsafe name,
        let iv = unsafe iv
      else { return -1 }
      return unsafe owner.ticketKeys.prepare(name, iv, cipher, mac, seals: seals == 1)
    }
  }

  private static func now() -> Int { time(nil) }

  /// As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) wants it: 1 to go on, 2 to make a new ticket as well, 0 to forget the ticket,
  /// -1 for a failure.
  private func prepare(
    _ name: UnsafeMutablePointer<UInt8>, _ iv: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer?,
    _ mac: OpaquePointer?, seals: Bool
  ) -> Int32 {
    let now = Self.now()
    if seals {
      guard let key = current(at: now), unsafe RAND_bytes(iv, 16) == 1 else { return -1 }
      for (index, byte) in key.name.enumerated() { unsafe name[index] = byte }
      let isReady =
        unsafe EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipher, iv) == 1
        && Self.authenticate(mac, key)
      return isReady ? 1 : -1
    }
    guard let (key, isCurrent) = unsafe find(UnsafeRawBufferPointer(start: name, count: 16), at: now) else {
      return 0
    }
    let isReady =
      unsafe EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipher, iv) == 1
      && Self.authenticate(mac, key)
    return isReady ? (isCurrent ? 1 : 2) : -1
  }

  private static func authenticate(_ mac: OpaquePointer?, _ key: Key) -> Bool {
    var secret = key.authentication
    return unsafe relevo_mac_prepare(mac, &secret, secret.count) == 1
  }
}
