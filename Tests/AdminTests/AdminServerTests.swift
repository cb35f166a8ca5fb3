import Glibc
import Proxy
import Testing

@testable import Admin

@Suite("the admin plane's server")
struct AdminServerTests {
  @Test("says on TCP that it is alive")
  func alive() throws {
    let answer = try withAdmin { try $0.get("/healthz") }
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.hasSuffix("\r\n\r\nok\n"))
  }

  @Test("answers on a unix socket that its user and group may use, and removes the file in the end")
  func unixSocket() throws {
    let path = socketPath()
    var status = stat()
    let answer = try withAdmin(listeners: [.unix(path: path)]) { (client) throws in
      #expect(stat(path, &status) == 0)
      return try client.get("/healthz")
    }
    #expect(status.st_mode & 0o777 == 0o660)
    #expect(answer.hasSuffix("\r\n\r\nok\n"))
    #expect(stat(path, &status) == -1)
  }

  @Test("replaces the socket file of a process that is gone, and not that of one that listens")
  func staleSocket() throws {
    let path = socketPath()
    let whileListening = try withAdmin(listeners: [.unix(path: path)]) { (client) throws in
      #expect(throws: AdminStartError.self) { try withAdmin(listeners: [.unix(path: path)]) { _ in } }
      defer { rename(path, path + ".left") }
      return try client.get("/healthz")
    }
    rename(path + ".left", path)
    let afterwards = try withAdmin(listeners: [.unix(path: path)]) { try $0.get("/healthz") }
    #expect(whileListening.hasSuffix("ok\n"))
    #expect(afterwards.hasSuffix("ok\n"))
  }

  @Test("does not listen where other machines reach it while nobody is asked who they are")
  func openAddress() {
    let error = #expect(throws: AdminStartError.self) {
      try withAdmin(listeners: [.tcp(host: "0.0.0.0", port: 0)]) { _ in }
    }
    #expect(error?.description.hasPrefix("--admin 0.0.0.0:0 is reached from other machines: ") == true)
  }

  @Test("refuses what is no GET or HEAD of /healthz")
  func refusals() throws {
    try withAdmin { (client) throws in
      #expect(try client.get("/nothing").hasPrefix("HTTP/1.1 404 "))
      let answer = try client.exchange(
        "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 405 "))
      #expect(answer.contains("\r\nAllow: GET, HEAD\r\n"))
    }
  }
}
