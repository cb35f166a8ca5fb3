import Foundation

/// A real proxy in front of Relevo, as operators have one.
final class FrontServer {
  let port: UInt16
  private let process: ChildProcess
  private let folder: TemporaryFolder

  private init(port: UInt16, process: ChildProcess, folder: TemporaryFolder) throws {
    (self.port, self.process, self.folder) = (port, process, folder)
    guard eventually(within: .after(20), { (try? Socket.connected(to: port)) != nil }) else {
      throw HarnessError.deadline("a proxy: \(process.errors.text)")
    }
  }

  /// HAProxy with these lines in its only frontend and this end of its server line.
  static func haproxy(
    before relevo: UInt16, mode: String = "http", acceptsProxy: Bool = false, frontend: [String] = [],
    server: String = ""
  ) throws -> FrontServer {
    let folder = try TemporaryFolder()
    let port = try Ports.free()
    try folder.write(
      "haproxy.cfg",
      """
      global
        maxconn 50
      defaults
        mode \(mode)
        timeout client 20s
        timeout connect 5s
        timeout server 20s
      frontend site
        bind 127.0.0.1:\(port) \(acceptsProxy ? "accept-proxy" : "")
        \(frontend.joined(separator: "\n  "))
        default_backend relevo
      backend relevo
        server relevo 127.0.0.1:\(relevo) \(server)

      """)
    return try FrontServer(
      port: port, process: ChildProcess("/usr/sbin/haproxy", ["-db", "-f", folder.path("haproxy.cfg")]),
      folder: folder)
  }

  /// nginx that passes requests on, with these directives in its location.
  static func nginx(before relevo: String, location: [String]) throws -> FrontServer {
    let folder = try TemporaryFolder()
    let port = try Ports.free()
    let server =
      "server { listen 127.0.0.1:\(port); location / { proxy_pass \(relevo); \(location.joined(separator: "\n")) } }"
    return try FrontServer(
      port: port, process: Nginx.start(in: folder, http: server, port: port), folder: folder)
  }

  /// nginx that passes bytes on behind a PROXY header.
  static func nginxStream(before relevo: UInt16) throws -> FrontServer {
    let folder = try TemporaryFolder()
    let port = try Ports.free()
    try folder.write(
      "nginx.conf",
      """
      load_module /usr/lib/nginx/modules/ngx_stream_module.so;
      daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log error.log;
      events { worker_connections 64; }
      stream { server { listen 127.0.0.1:\(port); proxy_pass 127.0.0.1:\(relevo); proxy_protocol on; } }
      """)
    let process = try ChildProcess(
      "/usr/sbin/nginx", ["-p", folder.path, "-c", "nginx.conf", "-e", folder.path("error.log")])
    return try FrontServer(port: port, process: process, folder: folder)
  }
}
