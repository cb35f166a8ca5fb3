import Glibc
import Proxy
import Testing

@testable import Admin

/// A file of a test, with a mode; removed with it.
final class SecretFile {
  let path: String

  init(_ text: String, mode: mode_t = 0o600, name: String = #function) throws {
    path = "/tmp/relevo-\(getpid())-\(UInt64.random(in: 0...UInt64.max)).secret"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    #expect(descriptor >= 0)
    let bytes = Array(text.utf8)
    #expect(write(descriptor, bytes, bytes.count) == bytes.count)
    fchmod(descriptor, mode)
    close(descriptor)
  }

  func rewrite(_ text: String) throws {
    let descriptor = open(path, O_WRONLY | O_TRUNC)
    #expect(descriptor >= 0)
    let bytes = Array(text.utf8)
    #expect(write(descriptor, bytes, bytes.count) == bytes.count)
    close(descriptor)
  }

  deinit { unlink(path) }
}

private let token = "0123456789abcdef0123456789abcdef"

/// `htpasswd -nbB -C 4 ana secret` and so on.
private let users = """
  # who may
  ana:$2y$04$hbg9Obor3I1qM0UScWfwHeaC.bX3zXOs40FyulkbQUNG4laEgr2mW
  """

extension RawClient {
  func status(_ target: String, authorization: String? = nil, method: String = "GET") throws -> String {
    let field = authorization.map { "Authorization: \($0)\r\n" } ?? ""
    let answer = try exchange(
      "\(method) \(target) HTTP/1.1\r\nHost: relevo.example\r\n\(field)Connection: close\r\n\r\n")
    return String(answer.split(separator: " ", maxSplits: 2).dropFirst().first ?? "")
  }
}

@Suite("who may use the admin plane")
struct AccessTests {
  @Test("with a token, those who have it, whatever host they name; health and the empty page are everybody's")
  func bearer() throws {
    let file = try SecretFile(token + "\n")
    try withAdmin(credentials: .tokenFile(file.path)) { (client) throws in
      #expect(try client.status("/api/v1/status", authorization: "Bearer \(token)") == "200")
      #expect(try client.status("/metrics", authorization: "bearer  \(token)") == "200")
      for wrong in [
        nil, "Bearer", "Bearer ", "Bearer \(token)x", "Bearer \(token.dropLast())", "Basic \(token)", token,
      ] {
        #expect(try client.status("/api/v1/status", authorization: wrong) == "401", "\(wrong ?? "nothing")")
        #expect(try client.status("/nothing", authorization: wrong) == "401")
        #expect(try client.status("/api/v1/map/snapshot", authorization: wrong, method: "POST") == "401")
        #expect(try client.status("/metrics", authorization: wrong) == "401")
        #expect(try client.status("/openapi.json", authorization: wrong) == "401")
      }
      for target in ["/healthz", "/readyz", "/"] {
        let status = try client.status(target)
        #expect(status != "401", "\(target)")
      }
      let answer = try client.get("/api/v1/status")
      #expect(answer.contains("\r\nWWW-Authenticate: Bearer realm=\"Relevo\"\r\n"))
    }
  }

  @Test("with a user file, those whose password is right, again and again")
  func basic() throws {
    let file = try SecretFile(users, mode: 0o644)
    try withAdmin(credentials: .userFile(file.path)) { (client) throws in
      for _ in 0..<3 {
        #expect(try client.status("/api/v1/status", authorization: "Basic YW5hOnNlY3JldA==") == "200")
      }
      for (wrong, what) in [
        ("Basic YW5hOlNlY3JldA==", "ana:Secret"), ("Basic YW5hOg==", "ana:"),
        ("Basic Ym9iOnNlY3JldA==", "bob:secret"),
        ("Basic YW5hOnNlY3JldAA=", "a zero behind"), ("Basic YW5hOnNlY3JldA", "no padding"),
        ("Basic ====", "="),
        ("Basic YW5h", "no colon"), ("Bearer YW5hOnNlY3JldA==", "another scheme"),
      ] {
        #expect(try client.status("/api/v1/status", authorization: wrong) == "401", "\(what)")
      }
      let answer = try client.get("/api/v1/status")
      #expect(answer.contains("\r\nWWW-Authenticate: Basic realm=\"Relevo\", charset=\"UTF-8\"\r\n"))
    }
  }

  @Test("a flood of wrong passwords holds up neither health nor those who are known")
  func flood() throws {
    let file = try SecretFile(users)
    try withAdmin(credentials: .userFile(file.path)) { (client) throws in
      #expect(try client.status("/api/v1/status", authorization: "Basic YW5hOnNlY3JldA==") == "200")
      let flooding = try (0..<40).map { number in
        try client.begin(
          "GET /api/v1/status HTTP/1.1\r\nHost: h\r\nAuthorization: Basic \(["YW5hOmEK", "YW5hOmIK"][number % 2])\r\n"
            + "Connection: close\r\n\r\n")
      }
      let start = ContinuousClock.now
      #expect(try client.status("/healthz") == "200")
      #expect(try client.status("/api/v1/status", authorization: "Basic YW5hOnNlY3JldA==") == "200")
      #expect(ContinuousClock.now - start < .seconds(1))
      let refused = try flooding.map { try client.finish($0) }.map { $0.prefix(12) }
      #expect(Set(refused) == ["HTTP/1.1 401", "HTTP/1.1 503"])
    }
  }

  @Test(
    "a token file that cannot be used is refused at the start, with what would be right",
    arguments: [
      ("", 0o600, "is empty"), (" \n", 0o600, "is empty"), ("short", 0o600, "16 to 4096"),
      ("0123456789 0123456789", 0o600, "16 to 4096"), (token, 0o604, "chmod o-rwx"),
      (token, 0o602, "chmod o-rwx"),
    ] as [(String, mode_t, String)])
  func badToken(text: String, mode: mode_t, reason: String) throws {
    let file = try SecretFile(text, mode: mode)
    let error = #expect(throws: AdminStartError.self) {
      try withAdmin(credentials: .tokenFile(file.path)) { _ in }
    }
    #expect(error?.description.hasPrefix("--admin-token-file \(file.path) ") == true)
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
  }

  @Test("a token file that is missing or a folder is refused")
  func noToken() throws {
    for path in ["/nonexistent/token", "/tmp"] {
      #expect(throws: AdminStartError.self) { try withAdmin(credentials: .tokenFile(path)) { _ in } }
    }
  }

  @Test(
    "a user file that cannot be used is refused at the start, with the line and what would be right",
    arguments: [
      ("", "has no user"), ("# nobody\n\n", "has no user"), ("ana", ":1: a line is a name"),
      (":x", ":1: a line is"),
      ("\nana:$apr1$x$y", ":2: only bcrypt"), ("ana:secret", ":1: only bcrypt"),
      ("ana:$2y$04$hbg9Obor3I1qM0UScWfwHeaC.bX3zXOs40FyulkbQUNG4laEgr2m", ":1: only bcrypt"),
      ("ana:$2y$16$hbg9Obor3I1qM0UScWfwHeaC.bX3zXOs40FyulkbQUNG4laEgr2mW", ":1: its cost is 16"),
      (users + "\n" + users, "twice"),
    ])
  func badUsers(text: String, reason: String) throws {
    let error = #expect(throws: CredentialFileError.self) { _ = try UserList(Array(text.utf8), source: "f") }
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
  }

  @Test("a user file that everybody may write is refused, one that they may read is not")
  func writableUsers() throws {
    let file = try SecretFile(users, mode: 0o666)
    #expect(throws: CredentialFileError.self) { try UserList(path: file.path) }
    let readable = try SecretFile(users, mode: 0o444)
    #expect(throws: Never.self) { try UserList(path: readable.path) }
    withExtendedLifetime(readable) {}
  }

  @Test("with either, other machines may reach it")
  func otherMachines() throws {
    let file = try SecretFile(token)
    let answer = try withAdmin(
      listeners: [.tcp(host: "0.0.0.0", port: 0)], credentials: .tokenFile(file.path)
    ) { client in try client.get("/healthz") }
    #expect(answer.hasSuffix("ok\n"))
  }
}

@Suite("reading the credentials again")
struct ReloadTests {
  private let newToken = String(token.reversed())

  @Test("a new token counts from then on, also on a connection that is open, and the one before no more")
  func tokenChanges() throws {
    let file = try SecretFile(token)
    try withAdminServer(credentials: .tokenFile(file.path)) { (server, client) throws in
      let request = "GET /api/v1/status HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(token)\r\n"
      let open = try client.begin(request + "\r\n")
      #expect(try client.status("/api/v1/status", authorization: "Bearer \(token)") == "200")
      try file.rewrite(newToken)
      try server.reloadCredentials()
      #expect(try client.status("/api/v1/status", authorization: "Bearer \(newToken)") == "200")
      #expect(try client.status("/api/v1/status", authorization: "Bearer \(token)") == "401")
      let last = Array((request + "Connection: close\r\n\r\n").utf8)
      #expect(send(open, last, last.count, Int32(MSG_NOSIGNAL)) == last.count)
      let both = try client.finish(open)
      #expect(both.contains("HTTP/1.1 200 ") && both.contains("HTTP/1.1 401 "))
    }
  }

  @Test("a user who is gone from the file is out, though the password was known")
  func usersChange() throws {
    let file = try SecretFile(users)
    try withAdminServer(credentials: .userFile(file.path)) { (server, client) throws in
      let ana = "Basic YW5hOnNlY3JldA=="
      #expect(try client.status("/api/v1/status", authorization: ana) == "200")
      try file.rewrite(users.replacing("ana:", with: "bob:"))
      try server.reloadCredentials()
      #expect(try client.status("/api/v1/status", authorization: ana) == "401")
      #expect(try client.status("/api/v1/status", authorization: "Basic Ym9iOnNlY3JldA==") == "200")
    }
  }

  /// `secret` at a cost of 12, which takes about a third of a second.
  private static let slowHash = "$2b$12$hbg9Obor3I1qM0UScWfwHedwLStXOQjSXLPBAztj9Jnkd8KrIJPeq"

  @Test(
    "a password that is being checked meanwhile is checked again by the new list",
    arguments: [("bob", "401"), ("ana", "200")])
  func checkUnderWay(name: String, expected: String) throws {
    let file = try SecretFile("ana:\(Self.slowHash)\n")
    try withAdminServer(credentials: .userFile(file.path)) { (server, client) throws in
      let waiting = try client.begin(
        "GET /api/v1/status HTTP/1.1\r\nHost: h\r\nAuthorization: Basic YW5hOnNlY3JldA==\r\nConnection: close\r\n\r\n"
      )
      usleep(100_000)
      try file.rewrite("\(name):\(Self.slowHash)\n")
      try server.reloadCredentials()
      #expect(try client.finish(waiting).hasPrefix("HTTP/1.1 \(expected) "))
    }
  }

  @Test("a file that can't be used changes nothing, and the error says why")
  func broken() throws {
    let file = try SecretFile(token)
    try withAdminServer(credentials: .tokenFile(file.path)) { (server, client) throws in
      for (text, reason) in [("", "is empty"), ("short", "16 to 4096")] {
        try file.rewrite(text)
        let error = #expect(throws: CredentialFileError.self) { try server.reloadCredentials() }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
        #expect(try client.status("/api/v1/status", authorization: "Bearer \(token)") == "200")
      }
    }
  }
}

@Suite("SipHash")
struct KeyedHashTests {
  @Test("gives the values of its authors")
  func reference() {
    let keys: (UInt64, UInt64) = (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908)
    #expect(KeyedHash.sipHash([], keys.0, keys.1) == 0x726F_DB47_DD0E_0E31)
    #expect(KeyedHash.sipHash(Array(0..<8), keys.0, keys.1) == 0x93F5_F579_9A93_2462)
    #expect(KeyedHash.sipHash(Array(0..<15), keys.0, keys.1) == 0xA129_CA61_49BE_45E5)
  }

  @Test("differs with its keys, which are the process's own")
  func keys() {
    #expect(KeyedHash().hash([1]) != KeyedHash().hash([1]))
  }
}
