import Foundation
import Testing

/// `--sticky-cookie`: a session stays on its server of the new pool.
@Suite("Sessions on their server")
struct StickyCookieTests {
  /// A server that sets its name as the session of clients that have none, and says which value it got.
  static func server(_ name: String, missing: Bool = false) throws -> ScriptedOrigin {
    try ScriptedOrigin { exchange in
      let cookie = exchange.head["Cookie"]
      let isMissing = missing && exchange.target != "/"
      try exchange.answer(
        isMissing ? 404 : 200, "\(name) got \(cookie ?? "nothing")",
        cookie?.contains("sid=") == true ? [] : ["Set-Cookie: sid=\(name)~1; Path=/"])
    }
  }

  struct Sites {
    let new: [ScriptedOrigin]
    let old: ScriptedOrigin
    let relevo: Relevo

    func get(_ target: String = "/", _ cookie: String? = nil) throws -> Answer {
      try Client(relevo.port).get(target, cookie.map { ["Cookie: \($0)"] } ?? [])
    }
  }

  func withSites(
    _ new: [ScriptedOrigin], old: ScriptedOrigin? = nil, ids: [String] = ["a", "b", "c"],
    options: String = "",
    _ flags: String..., test: (Sites) throws -> Void
  ) throws {
    let old = try old ?? .always(200, "old")
    let named = zip(new, ids).map { WithOptions($0, "id=\($1)\(options)") }
    let relevo = try Relevo(new: named, old: [old], flags: ["--sticky-cookie", "sid"] + flags)
    try test(Sites(new: new, old: old, relevo: relevo))
    #expect(try relevo.terminate() == .code(0))
  }

  @Test(
    "the client keeps the server's id in front of the value, comes back to that server, and it sees its own value"
  )
  func sticks() throws {
    try withSites(["one", "two", "three"].map { try Self.server($0) }, "--workers", "2") { (sites) throws in
      var kept: [String: String] = [:]
      for _ in 1...12 where kept.count < 3 {
        let answer = try sites.get()
        let name = String(answer.text.prefix { $0 != " " })
        let value = try #require(answer["Set-Cookie"]?.between("sid=", ";"))
        #expect(value == ["one": "a", "two": "b", "three": "c"][name].map { "\($0)~\(name)~1" })
        kept[name] = value
      }
      #expect(kept.count == 3)
      for _ in 1...5 {
        for (name, value) in kept {
          #expect(try sites.get("/", "x=1; sid=\(value); y=2").text == "\(name) got x=1; sid=\(name)~1; y=2")
        }
      }
    }
  }

  @Test(
    "a request without the cookie goes where the balance says, a session without a server always to the same one"
  )
  func others() throws {
    try withSites(["one", "two"].map { try Self.server($0) }, "--workers", "2") { (sites) throws in
      let client = try Client(sites.relevo.port)
      let plain = try (1...4).map { _ in try client.get("/", ["Cookie: x=1"]).text }
      #expect(Set(plain) == ["one got x=1", "two got x=1"])
      var homes: Set<String> = []
      for number in 1...20 {
        for (cookie, expected) in [
          ("sid=plain\(number)", "sid=plain\(number)"), ("sid=own~\(number)", "sid=own~\(number)"),
          ("sid=3f09c1~\(number)", "sid=\(number)"),
        ] {
          let texts = Set(try (1...3).map { _ in try sites.get("/", cookie).text })
          #expect(texts.count == 1 && texts.first?.hasSuffix(" got \(expected)") == true, "\(texts)")
          homes.formUnion(texts.map { String($0.prefix(3)) })
        }
      }
      #expect(homes == ["one", "two"])
    }
  }

  @Test(
    "a server that is down hands its sessions to another, which gets the value alone and renews the cookie")
  func redispatch() throws {
    let two = try ScriptedOrigin { try $0.answer(200, $0.head["Cookie"] ?? "-", ["Set-Cookie: sid=fresh"]) }
    let one = try Self.server("one")
    try withSites([one, two]) { (sites) throws in
      try one.stop()
      for _ in 1...4 {
        let answer = try sites.get("/", "sid=a~v")
        #expect(answer.text == "sid=v" && answer["Set-Cookie"] == "sid=b~fresh")
      }
      let post = try Client(sites.relevo.port).get(
        "/", ["Cookie: sid=a~v"], method: "POST", body: Bytes(text: "body"))
      #expect(post.text == "sid=v", "nothing of it had been sent")
      try one.start()
      #expect(
        try eventually(within: .after(30)) {
          usleep(100_000)
          return try sites.get("/", "sid=a~v").text == "one got sid=v"
        })
    }
  }

  @Test(
    "a server that is drained by the API keeps its sessions and gets no new client, until it is ready again")
  func drain() throws {
    try withSites(["one", "two"].map { try Self.server($0) }, "--workers", "2", "--admin", "127.0.0.1:0") {
      sites in
      let admin = AdminPlane(relevo: sites.relevo)
      let session = "sid=a~v"
      #expect(try sites.get("/", session).text == "one got sid=v")
      let answer = try admin.change("PATCH", "/api/v1/origins/a", body: #"{"mode":"drain"}"#)
      #expect(answer.status == "200" && answer.body.contains(#""state":"draining""#))
      for _ in 1...8 {
        #expect(try sites.get("/", session).text == "one got sid=v")
        let fresh = try sites.get()
        #expect(fresh.text == "two got nothing")
        #expect(fresh["Set-Cookie"]?.hasPrefix("sid=b~") == true)
      }
      #expect(try admin.change("PATCH", "/api/v1/origins/a", body: #"{"mode":"off"}"#).status == "200")
      #expect(try sites.get("/", session).text == "two got sid=v")
      #expect(try admin.change("PATCH", "/api/v1/origins/a", body: #"{"mode":"ready"}"#).status == "200")
      #expect(try sites.get("/", session).text == "one got sid=v")
    }
  }

  @Test(
    "the old server gets the value without an id, after a miss and from the map, and its own cookie gets none"
  )
  func old() throws {
    let old = try ScriptedOrigin { try $0.answer(200, $0.head["Cookie"] ?? "-", ["Set-Cookie: sid=o"]) }
    try withSites([try Self.server("one", missing: true)], old: old) { (sites) throws in
      for _ in 1...2 {
        let answer = try sites.get("/page", "sid=a~v; x=1")
        #expect(answer.text == "sid=v; x=1" && answer["Set-Cookie"] == "sid=o")
        usleep(50_000)
      }
      #expect(sites.new[0].requests.map { $0["Cookie"] } == ["sid=v; x=1"])
    }
  }

  @Test("with a prefix for the old server's cookies, a value with a server's id never reaches the old one")
  func withPrefix() throws {
    let old = try ScriptedOrigin { try $0.answer(200, $0.head["Cookie"] ?? "-", ["Set-Cookie: sid=o"]) }
    try withSites([try Self.server("one", missing: true)], old: old, "--old-cookie-prefix", "old_") {
      (sites) throws in
      let first = try sites.get("/page", "sid=a~v")
      #expect(first.text == "-" && first["Set-Cookie"] == "old_sid=o")
      #expect(try sites.get("/page", "old_sid=o; sid=a~v").text == "sid=o")
    }
  }

  @Test("a held 404 sets the cookie of the server that it came from; one that deletes it is left as it is")
  func held() throws {
    let one = try ScriptedOrigin { exchange in
      let isLogout = exchange.target == "/logout"
      try exchange.answer(404, "no", [isLogout ? "Set-Cookie: sid=; Max-Age=0" : "Set-Cookie: sid=v"])
    }
    try withSites([one], old: .always(404, "no", ["Set-Cookie: sid=o"])) { (sites) throws in
      #expect(try sites.get("/x")["Set-Cookie"] == "sid=a~v")
      #expect(try sites.get("/logout")["Set-Cookie"] == "sid=; Max-Age=0")
    }
  }

  @Test("after a miss of the old server the new one that is asked next is the session's own")
  func afterOldMiss() throws {
    try withSites(
      ["one", "two"].map { try Self.server($0) }, old: .always(404), "--always-old", "/css/"
    ) { (sites) throws in
      for _ in 1...4 { #expect(try sites.get("/css/a", "sid=b~v").text == "two got sid=v") }
    }
  }

  @Test("requests in a row on one connection go to their own servers")
  func pipelined() throws {
    try withSites(["one", "two", "three"].map { try Self.server($0) }) { (sites) throws in
      let client = try Client(sites.relevo.port)
      let ids = ["b", "a", "c", "c", "a", "b", "b"]
      try client.send(ids.enumerated().flatMap { Client.bytes("/", ["Cookie: sid=\($1)~\($0)"]) })
      for (number, id) in ids.enumerated() {
        let name = ["a": "one", "b": "two", "c": "three"][id] ?? ""
        #expect(try client.answer().text == "\(name) got sid=\(number)")
      }
    }
  }

  @Test("a session waits for its own server, which serves its maximum, while others go to the next")
  func waits() throws {
    let release = Gate()
    let one = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" { try release.wait() }
      try exchange.answer(200, "one")
    }
    try withSites([one, try .always(200, "two")], options: ",max=1") { (sites) throws in
      let slow = try Client(sites.relevo.port)
      try slow.request("/slow", ["Cookie: sid=a~v"])
      _ = try one.request()
      let own = try Client(sites.relevo.port)
      try own.request("/own", ["Cookie: sid=a~v"])
      for _ in 1...3 { #expect(try sites.get().text == "two") }
      #expect(own.stream.staysQuiet(forMs: 100))
      release.open()
      #expect(try slow.answer().text == "one")
      #expect(try own.answer().text == "one")
    }
  }

  @Test("a session whose server has no place within the queue's time is given to another")
  func waitsInVain() throws {
    let release = Gate()
    let one = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" { try release.wait() }
      try exchange.answer(200, "one")
    }
    let two = try ScriptedOrigin { try $0.answer(200, $0.head["Cookie"] ?? "-", ["Set-Cookie: sid=w"]) }
    try withSites([one, two], options: ",max=1", "--queue-timeout", "200ms") { (sites) throws in
      let slow = try Client(sites.relevo.port)
      try slow.request("/slow", ["Cookie: sid=a~v"])
      _ = try one.request()
      let answer = try sites.get("/own", "sid=a~v")
      #expect(answer.text == "sid=v" && answer["Set-Cookie"] == "sid=b~w")
      release.open()
      #expect(try slow.answer().text == "one")
    }
  }
}

/// The same with servers whose sessions are their own.
@Suite("Sessions on their real servers")
struct StickySessionTests {
  /// Logs in and visits ten times, with curl and its jar; what the visits showed.
  func walk(_ port: UInt16, jar: String, login: Bool = true, visits: Int = 10) throws -> [String] {
    let paths = (login ? ["/?user=ana"] : []) + Array(repeating: "/", count: visits)
    return try paths.map { try Tools.curl("-b", jar, "-c", jar, "http://127.0.0.1:\(port)\($0)").text }
  }

  @Test("curl stays logged in on one of two servers, and without the flag it does not")
  func curl() throws {
    let servers = try (1...2).map { try SessionServer("server \($0)", pages: ["/"]) }
    let folder = try TemporaryFolder()
    try withRelevo(new: servers, old: [RefusedPort()], "--sticky-cookie", "PHPSESSID") { (relevo) throws in
      for number in 1...3 {
        let seen = try walk(relevo.port, jar: folder.path("jar\(number)"))
        let name = String(seen[0].prefix { $0 != ":" })
        #expect(seen == (1...11).map { "\(name): visit \($0) of ana" })
      }
    }
    try withRelevo(new: servers, old: [RefusedPort()]) { (relevo) throws in
      #expect(try walk(relevo.port, jar: folder.path("plain")).contains { $0.hasSuffix("of nobody") })
    }
  }

  @Test("a session that HAProxy's 'cookie prefix' began goes on, on its server")
  func fromHAProxy() throws {
    let servers = try (1...2).map { try SessionServer("server \($0)", pages: ["/"]) }
    let folder = try TemporaryFolder()
    let port = try Ports.free()
    try folder.write(
      "haproxy.cfg",
      """
      defaults
        mode http
        timeout connect 5s
        timeout client 30s
        timeout server 30s
      listen site
        bind 127.0.0.1:\(port)
        cookie PHPSESSID prefix
        server web1 \(servers[0].authority) cookie web1
        server web2 \(servers[1].authority) cookie web2

      """)
    let haproxy = try ChildProcess("/usr/sbin/haproxy", ["-f", folder.path("haproxy.cfg"), "-db"])
    #expect(eventually(within: .after(10)) { (try? Socket.connected(to: port)) != nil })
    var users: [String] = []
    for number in 1...2 {
      let seen = try walk(port, jar: folder.path("jar\(number)"), visits: 2)
      users.append(String(seen[0].prefix { $0 != ":" }))
      #expect(seen.last?.hasSuffix("visit 3 of ana") == true)
    }
    haproxy.signal(SIGTERM)
    #expect(users.sorted() == ["server 1", "server 2"])
    let named = [WithOptions(servers[0], "id=web1"), WithOptions(servers[1], "id=web2")]
    try withRelevo(new: named, old: [RefusedPort()], "--sticky-cookie", "PHPSESSID") { (relevo) throws in
      for (number, user) in zip(1...2, users) {
        let seen = try walk(relevo.port, jar: folder.path("jar\(number)"), login: false, visits: 5)
        #expect(seen == (4...8).map { "\(user): visit \($0) of ana" })
      }
    }
  }
}
