import Glibc
import Testing

@testable import URLMap

/// The snapshot as HAProxy and Apache read it: the real servers, started on the file as it stands.
@Suite("The snapshot in other servers", .serialized)
struct OtherServersTests {
  let folder = TemporaryFolder()

  /// What a URL may hold beside letters and digits: all of RFC 3986 and what browsers send besides.
  private static let awkward = [
    "\"", "'", ";", "$", "%20", "&", "=", "+", "%22", "%25", "$1", "${x}", "%{x}", "\\", "\\n", "|", "<", ">",
    "^", "`",
    "{", "}", "[", "]", "(", ")", "*", "!", "@", ",", ":", "~", "%C3%A9", "?", "??", "//", "/./", "/../",
    "%2F", "%00x",
  ]

  /// URLs with every awkward piece at the beginning, in the middle, at the end and alone.
  private static func urls(_ count: Int) -> [[UInt8]] {
    var urls: [String] = []
    for (index, piece) in awkward.enumerated() {
      urls += [
        "/\(piece)", "/\(piece)x\(index)", "/a\(index)\(piece)b",
        "/pagina\(index).php?p=\(piece)&q=\(piece)#".dropLastByte,
      ]
    }
    for number in urls.count..<count {
      let piece = awkward[number % awkward.count]
      urls.append("/seccion-\(number % 31)/\(number)/\(piece)/index.php?id=\(number)&t=\(piece)")
    }
    return urls.map { Array($0.utf8) }
  }

  /// A URL of exactly `count` bytes.
  private static func long(_ count: Int, _ seed: Int) -> [UInt8] {
    let start = Array("/larga/\(seed)/".utf8)
    let filling = Array("abc/def-ghi?jkl=mno&".utf8)
    return start + (0..<(count - start.count)).map { filling[($0 + seed) % filling.count] }
  }

  /// Another URL, which is not in the map.
  private static func neighbour(_ url: [UInt8]) -> [UInt8] { url + [0x7A] }

  private func snapshot(of urls: [[UInt8]]) throws -> String {
    let map = URLMap()
    for url in urls { map.learnPatiently(url) }
    map.waitUntilApplied()
    #expect(map.count == Set(urls).count)
    let path = folder["urls.map"]
    try SnapshotFile(path: path).write(map)
    chmod(path, 0o644)
    return path
  }

  private func log(_ path: String) -> String { String(decoding: readFile(path) ?? [], as: UTF8.self) }

  /// Checks that each URL is answered with `known` and its neighbour with `unknown`.
  private func expectRouted(_ urls: [[UInt8]], _ connection: HTTPConnection, known: Int, unknown: Int) {
    let found = connection.statuses(of: urls)
    #expect(found.count == urls.count)
    for (url, status) in zip(urls, found) where status != known {
      Issue.record("\(status) for \(String(decoding: url.prefix(200), as: UTF8.self))")
    }
    let neighbours = urls.map(Self.neighbour)
    let others = connection.statuses(of: neighbours)
    #expect(others.count == urls.count)
    for (url, status) in zip(neighbours, others) where status != unknown {
      Issue.record("\(status) for the neighbour \(String(decoding: url.prefix(200), as: UTF8.self))")
    }
  }

  @Test("HAProxy's map routes every URL of the file, and no neighbour")
  func haproxy() throws {
    let urls = Self.urls(4000) + [990, 1000, 1023, 1024, 1025, 2048, 3000, 8000].map { Self.long($0, $0) }
    let path = try snapshot(of: urls)
    let port = HTTPConnection.freePort()
    let configuration = """
      global
        maxconn 50
      defaults
        mode http
        timeout client 20s
        timeout connect 5s
        timeout server 20s
      frontend site
        bind 127.0.0.1:\(port)
        use_backend old if { pathq,map_str(\(path)) -m found }
        default_backend new
      backend old
        http-request return status 204
      backend new
        http-request return status 404

      """
    writeFile(folder["haproxy.cfg"], Array(configuration.utf8))
    let server = try #require(
      ServerProcess(["/usr/sbin/haproxy", "-db", "-f", folder["haproxy.cfg"]], log: folder["haproxy.log"]))
    defer { withExtendedLifetime(server) {} }
    let connection = HTTPConnection(port: port)
    #expect(connection.waitForServer(), "\(log(folder["haproxy.log"]))")
    expectRouted(urls, connection, known: 204, unknown: 404)
  }

  @Test("Apache's RewriteMap routes every URL of the file up to 1019 bytes, and no neighbour")
  func apache() throws {
    // What Apache itself refuses before it looks anywhere: escapes of nothing, zero bytes, a way above the root.
    let refused = ["%{x}", "%00x", "//../"].map { Array($0.utf8) }
    let accepted = Self.urls(3000).filter { url in !refused.contains { url.contains($0) } }
    #expect(accepted.count > 2700)
    let short = accepted + [900, 985, 990, 1000, 1009, 1010, 1018, 1019].map { Self.long($0, $0) }
    let long =
      (1020..<1100).map { Self.long($0, $0) } + [2000, 2048, 4096, 5000].map { Self.long($0, $0) }
    let path = try snapshot(of: short + long)
    let port = HTTPConnection.freePort()
    let modules = "/usr/lib/apache2/modules"
    let configuration = """
      ServerRoot "\(folder.path)"
      ServerName localhost
      Listen 127.0.0.1:\(port)
      PidFile "\(folder["apache.pid"])"
      ErrorLog "\(folder["apache.log"])"
      DefaultRuntimeDir "\(folder.path)"
      Mutex file:\(folder.path)
      LoadModule mpm_event_module \(modules)/mod_mpm_event.so
      LoadModule authz_core_module \(modules)/mod_authz_core.so
      LoadModule rewrite_module \(modules)/mod_rewrite.so
      <IfModule unixd_module>
        User nobody
        Group nogroup
      </IfModule>
      DocumentRoot "\(folder.path)"
      StartServers 1
      ThreadsPerChild 4
      MaxRequestWorkers 4
      MaxKeepAliveRequests 0
      KeepAliveTimeout 20
      LimitRequestLine 16384
      AllowEncodedSlashes NoDecode
      MergeSlashes Off
      RewriteEngine on
      RewriteMap relevo "txt:\(path)"
      RewriteCond %{THE_REQUEST} "^[^ ]+ ([^ ]+)"
      RewriteCond "${relevo:%1|new}" "=old"
      RewriteRule ^ - [R=410,L]
      RewriteRule ^ - [R=406,L]

      """
    writeFile(folder["apache.conf"], Array(configuration.utf8))
    let server = try #require(
      ServerProcess(
        ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", folder["apache.conf"]], log: folder["apache.log"]))
    defer { withExtendedLifetime(server) {} }
    let connection = HTTPConnection(port: port)
    #expect(connection.waitForServer(), "\(log(folder["apache.log"]))")
    expectRouted(short, connection, known: 410, unknown: 406)

    // Apache reads a longer one in pieces: neither the URL is found nor any end of it, which nobody learned.
    let tails = long.flatMap { url in
      url.indices.filter { url[$0] == UInt8(ascii: "/") && $0 > 0 && url.count - $0 < 1024 }.map {
        Array(url[$0...])
      }
    }
    #expect(connection.statuses(of: long).allSatisfy { $0 == 406 })
    let answers = connection.statuses(of: tails)
    #expect(answers.count == tails.count && answers.allSatisfy { $0 == 406 })
  }
}

extension String {
  fileprivate var dropLastByte: String { String(dropLast()) }
}
