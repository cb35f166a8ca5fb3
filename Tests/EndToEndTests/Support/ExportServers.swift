import Foundation

/// The old and the new site behind an exported map: each answers everything, says which it is and what it was asked.
final class TwoSites {
  let oldPort: UInt16
  let newPort: UInt16
  private let folder: TemporaryFolder
  private let process: ChildProcess

  init() throws {
    (oldPort, newPort) = try (Ports.free(), Ports.free())
    folder = try TemporaryFolder()
    func site(_ name: String, _ port: UInt16) -> String {
      """
      server {
        listen 127.0.0.1:\(port);
        add_header X-Site \(name); add_header X-Asked $request_uri;
        location / { return 204; }
      }
      """
    }
    process = try Nginx.start(in: folder, http: site("old", oldPort) + site("new", newPort), port: oldPort)
  }
}

/// A server on a port of its own, until its last reference goes.
struct ExportServer {
  let port: UInt16
  let process: ChildProcess
  let folder: TemporaryFolder

  static func nginx(http: [String], server: [String], _ sites: TwoSites) throws -> ExportServer {
    let folder = try TemporaryFolder()
    let port = try Ports.free()
    let block = """
      \(http.joined(separator: "\n"))
      upstream new { server 127.0.0.1:\(sites.newPort); keepalive 8; }
      upstream old { server 127.0.0.1:\(sites.oldPort); keepalive 8; }
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffer_size 32k; proxy_buffers 8 32k;
      server { listen 127.0.0.1:\(port); server_name localhost; \(server.joined(separator: "\n")) }
      """
    let process = try Nginx.start(in: folder, http: block, port: port)
    return ExportServer(port: port, process: process, folder: folder)
  }

  static func haproxy(frontend: [String], _ sites: TwoSites) throws -> ExportServer {
    let folder = try TemporaryFolder()
    let port = try Ports.free()
    try folder.write(
      "haproxy.cfg",
      """
      global
        maxconn 50
      defaults
        mode http
        timeout client 20s
        timeout connect 5s
        timeout server 20s
      frontend site
        bind 127.0.0.1:\(port)
        \(frontend.joined(separator: "\n  "))
        default_backend new
      backend old
        server old 127.0.0.1:\(sites.oldPort)
      backend new
        server new 127.0.0.1:\(sites.newPort)

      """)
    let process = try ChildProcess("/usr/sbin/haproxy", ["-db", "-f", folder.path("haproxy.cfg")])
    return try ExportServer(port: port, process: process, folder: folder).waited()
  }

  /// Apache answers 406 to what the directives leave alone.
  static func apache(_ directives: [String], _ sites: TwoSites) throws -> ExportServer {
    let folder = try TemporaryFolder()
    let port = try Ports.free()
    let modules = "/usr/lib/apache2/modules"
    let lines = directives.map {
      $0.replacingOccurrences(of: "http://old.example.com", with: "http://127.0.0.1:\(sites.oldPort)")
    }
    try folder.write(
      "apache.conf",
      """
      ServerRoot "\(folder.path)"
      ServerName localhost
      Listen 127.0.0.1:\(port)
      PidFile apache.pid
      ErrorLog "\(folder.path)/error.log"
      DefaultRuntimeDir "\(folder.path)"
      Mutex file:\(folder.path)
      LoadModule mpm_event_module \(modules)/mod_mpm_event.so
      LoadModule authz_core_module \(modules)/mod_authz_core.so
      LoadModule proxy_module \(modules)/mod_proxy.so
      LoadModule proxy_http_module \(modules)/mod_proxy_http.so
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
      \(lines.joined(separator: "\n"))
      RewriteRule ^ - [R=406,L]

      """)
    let process = try ChildProcess(
      "/usr/sbin/apache2", ["-D", "FOREGROUND", "-f", folder.path("apache.conf")])
    return try ExportServer(port: port, process: process, folder: folder).waited()
  }

  private func waited() throws -> ExportServer {
    guard eventually(within: .after(20), { (try? Socket.connected(to: port)) != nil }) else {
      throw HarnessError.deadline("a server: \(process.errors.text) \((try? folder.read("error.log")) ?? "")")
    }
    return self
  }
}

enum Nginx {
  /// Starts nginx with this `http` block and waits until it listens.
  static func start(in folder: TemporaryFolder, http: String, port: UInt16) throws -> ChildProcess {
    try folder.write(
      "nginx.conf",
      """
      daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log error.log;
      events { worker_connections 512; }
      http {
        access_log off; keepalive_requests 1000000; keepalive_timeout 120s;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        \(http)
      }
      """)
    let process = try ChildProcess(
      "/usr/sbin/nginx", ["-p", folder.path, "-c", "nginx.conf", "-e", folder.path("error.log")])
    guard eventually(within: .after(20), { (try? Socket.connected(to: port)) != nil }) else {
      throw HarnessError.deadline("nginx: \(process.errors.text) \((try? folder.read("error.log")) ?? "")")
    }
    return process
  }
}
