import CCrypt
import Glibc

/// The users of `--admin-user-file`, as `htpasswd -B` writes it.
final class UserList: Sendable {
  /// Past this a single password takes seconds.
  static let highestCost = 15
  private static let hashBytes = 60

  private let hashes: [[UInt8]: [UInt8]]
  /// What unknown users are measured against, so that they take as long as known ones.
  private let decoy: [UInt8]

  /// - Throws: ``CredentialFileError`` that names the line which can't be used.
  convenience init(path: String) throws(CredentialFileError) {
    let contents = try CredentialFile.contents(of: path, flag: "--admin-user-file", .hashed)
    try self.init(contents, source: "--admin-user-file \(path)")
  }

  init(_ contents: [UInt8], source: String) throws(CredentialFileError) {
    var hashes: [[UInt8]: [UInt8]] = [:]
    var highest = 4
    let lines = contents.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
      let place = "\(source):\(index + 1)"
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
        throw CredentialFileError("\(place): a line is a name, a colon and a hash: htpasswd -B makes one")
      }
      let hash = Array(line[(colon + 1)...])
      guard let cost = Self.cost(of: hash) else {
        throw CredentialFileError(
          "\(place): only bcrypt hashes are taken: make this one again with htpasswd -B")
      }
      guard cost <= Self.highestCost else {
        throw CredentialFileError(
          "\(place): its cost is \(cost), which takes seconds: at most \(Self.highestCost), as with htpasswd -B -C 12"
        )
      }
      guard hashes.updateValue(hash, forKey: Array(line[..<colon])) == nil else {
        throw CredentialFileError("\(place): this user is there twice: remove one of the lines")
      }
      highest = max(highest, cost)
    }
    guard !hashes.isEmpty else {
      throw CredentialFileError("\(source) has no user: htpasswd -B -c FILE NAME makes one")
    }
    self.hashes = hashes
    let digits = highest < 10 ? "0\(highest)" : "\(highest)"
    decoy = Array("$2y$\(digits)$".utf8) + [UInt8](repeating: UInt8(ascii: "."), count: 53)
  }

  /// The cost of a bcrypt hash, `$2y$10$` and 53 characters; nil when it is none.
  private static func cost(of hash: [UInt8]) -> Int? {
    guard hash.count == hashBytes, ["$2a$", "$2b$", "$2y$"].contains(where: { hash.starts(with: $0.utf8) }),
      hash[6] == UInt8(ascii: "$"), let cost = Int(String(decoding: hash[4..<6], as: UTF8.self)), cost >= 4
    else { return nil }
    let isHash = hash[7...].allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "/"):
        true
      default: false
      }
    }
    return isHash ? cost : nil
  }

  /// Whether the password is the user's. Takes the time of one bcrypt, known user or not: not for a loop.
  func isRight(_ credentials: Credentials) -> Bool {
    let hash = hashes[credentials.name]
    // C takes the first zero for the end.
    let isText = !credentials.password.contains(0)
    let computed = Self.bcrypt(isText ? credentials.password : [], setting: hash ?? decoy)
    guard let hash, let computed else { return false }
    return ConstantTime.equal(computed, hash) && isText
  }

  private static func bcrypt(_ password: [UInt8], setting: [UInt8]) -> [UInt8]? {
    let data = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
    defer { unsafe data.deallocate() }
    unsafe memset(data, 0, MemoryLayout<crypt_data>.size)
    let phrase = (password + [0]).map { CChar(bitPattern: $0) }
    let salt = (setting + [0]).map { CChar(bitPattern: $0) }
    // It returns a pointer into `data`, or nil.
    guard let hash = unsafe crypt_r(phrase, salt, data) else { return nil }
    let bytes = unsafe Array(String(cString: hash).utf8)
    unsafe explicit_bzero(data, MemoryLayout<crypt_data>.size)
    return bytes
  }
}
