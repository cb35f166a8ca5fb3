import Foundation

/// A real nginx, HAProxy or Apache on a port of its own, as operators have one, until its last reference goes.
final class Daemon: Sendable {
  let port: UInt16
  let folder: TemporaryFolder
  private let process: ChildProcess

  /// Starts a program with this configuration, and waits until it listens.
  ///
  /// - Parameter arguments: which `configuration`, the path of its file, is one of.
  private init(
    _ program: String, arguments: (_ configuration: String, _ folder: TemporaryFolder) -> [String],
    configuration: (_ port: UInt16, _ folder: TemporaryFolder) -> String
  ) throws {
    let port = try Ports.free()
    self.port = port
    folder = try TemporaryFolder()
    try folder.write("daemon.conf", configuration(port, folder))
    process = try ChildProcess(program, arguments(folder.path("daemon.conf"), folder))
    guard eventually(within: .after(20), { (try? Socket.connected(to: port)) != nil }) else {
      throw HarnessError.deadline(
        "\(program): \(process.errors.text) \((try? folder.read("error.log")) ?? "")")
    }
  }

  /// HAProxy with these lines in its only frontend. What they leave alone goes to the first backend.
  ///
  /// - Parameters:
  ///   - bind: options of the frontend's address.
  ///   - backends: the address of each one's only server, with its options.
  static func haproxy(
    mode: String = "http", bind: String = "", frontend: [String] = [],
    backends: KeyValuePairs<String, String>
  ) throws -> Daemon {
    try Daemon(
      "/usr/sbin/haproxy", arguments: { configuration, _ in ["-db", "-f", configuration] },
      configuration: { port, _ in
        """
        global
          maxconn 50
        defaults
          mode \(mode)
          timeout client 20s
          timeout connect 5s
          timeout server 20s
        frontend site
          bind 127.0.0.1:\(port) \(bind)
          \(frontend.joined(separator: "\n  "))
          default_backend \(backends.first?.key ?? "none")
        \(backends.map { "backend \($0.key)\n  server \($0.key) \($0.value)" }.joined(separator: "\n"))

        """
      })
  }

  /// nginx with these directives beside its only server, and in it. Its log of errors is `error.log`.
  static func nginx(http: [String] = [], ssl: Bool = false, server: [String]) throws -> Daemon {
    try nginx { port in
      """
      http {
        access_log off; default_type text/html; keepalive_requests 1000000; keepalive_timeout 120s;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        \(http.joined(separator: "\n"))
        server { listen 127.0.0.1:\(port)\(ssl ? " ssl" : ""); server_name localhost; \(server.joined(separator: "\n")) }
      }
      """
    }
  }

  /// nginx that passes bytes on, with these directives in its only server.
  static func nginxStream(ssl: Bool = false, server: [String]) throws -> Daemon {
    try nginx { port in
      "stream { server { listen 127.0.0.1:\(port)\(ssl ? " ssl" : ""); \(server.joined(separator: " ")) } }"
    }
  }

  private static func nginx(_ block: (_ port: UInt16) -> String) throws -> Daemon {
    try Daemon(
      "/usr/sbin/nginx",
      arguments: { ["-p", $1.path, "-c", $0, "-e", $1.path("error.log")] },
      configuration: { port, _ in
        """
        load_module /usr/lib/nginx/modules/ngx_stream_module.so;
        daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log error.log;
        events { worker_connections 512; }
        \(block(port))
        """
      })
  }

  /// Apache, which answers 406 to what the directives leave alone. One process (`-X`): it is killed at the end, and would
  /// leave its children behind.
  static func apache(_ directives: [String]) throws -> Daemon {
    try Daemon(
      "/usr/sbin/apache2", arguments: { configuration, _ in ["-X", "-f", configuration] },
      configuration: { port, folder in
        let modules = "/usr/lib/apache2/modules"
        return """
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
          \(directives.joined(separator: "\n"))
          RewriteRule ^ - [R=406,L]

          """
      })
  }
}

/// The old and the new site behind an exported map: each answers everything, says which it is and what it was asked.
struct TwoSites {
  let oldPort: UInt16
  let newPort: UInt16
  private let server: Daemon

  init() throws {
    newPort = try Ports.free()
    func site(_ name: String) -> String {
      "add_header X-Site \(name); add_header X-Asked $request_uri; location / { return 204; }"
    }
    server = try .nginx(
      http: ["server { listen 127.0.0.1:\(newPort); \(site("new")) }"], server: [site("old")])
    oldPort = server.port
  }
}
