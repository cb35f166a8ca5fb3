import Foundation

/// A site with sessions in the manner of PHP, in Python: an id that it does not know is taken for a new session's, without
/// another Set-Cookie, and a login gives the session another id.
final class SessionServer: Origin {
  let port: UInt16
  private let folder: TemporaryFolder
  private let process: ChildProcess

  /// - Parameters:
  ///   - name: what its pages begin with.
  ///   - pages: the paths that it has. Each shows the visits and the user of the session; one with `?user=` logs in.
  ///   - attributes: of its cookie.
  ///   - documents: pages for a browser, as they are.
  init(
    _ name: String, pages: [String], attributes: String = "Path=/; HttpOnly; Max-Age=3600",
    documents: [String: String] = [:]
  ) throws {
    folder = try TemporaryFolder()
    try folder.write("server.py", Self.program)
    let settings =
      ["name": name, "pages": pages, "attributes": attributes, "documents": documents] as [String: Any]
    try folder.write("settings.json", Bytes(try JSONSerialization.data(withJSONObject: settings)))
    process = try ChildProcess(
      "/usr/bin/env", ["python3", folder.path("server.py"), folder.path("settings.json")])
    let line = try process.output.wait("the port of a session server", .after(20)) { $0.hasPrefix("port ") }[
      0]
    guard let port = UInt16(line.dropFirst(5)) else { throw HarnessError.malformed(line) }
    self.port = port
  }

  private static let program = """
    import json, secrets, sys
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from urllib.parse import urlsplit, parse_qs

    settings = json.load(open(sys.argv[1]))
    sessions = {}

    class Site(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            url = urlsplit(self.path)
            if url.path in settings["documents"]:
                return self.answer(200, settings["documents"][url.path], None)
            if url.path not in settings["pages"]:
                return self.answer(404, "no such page", None)
            pairs = (pair.strip().split("=", 1) for pair in self.headers.get("Cookie", "").split(";"))
            sent = dict(pair for pair in pairs if len(pair) == 2).get("PHPSESSID")
            id = sent or secrets.token_hex(8)
            session = sessions.setdefault(id, {"visits": 0, "user": "nobody"})
            user = parse_qs(url.query).get("user")
            if user:
                session["user"] = user[0]
                sessions[id := secrets.token_hex(8)] = sessions.pop(sent or id)
            session["visits"] += 1
            text = "%s: visit %d of %s" % (settings["name"], session["visits"], session["user"])
            self.answer(200, text, id if id != sent else None)

        def answer(self, status, text, id):
            body = text.encode()
            self.send_response(status)
            if id:
                self.send_header("Set-Cookie", "PHPSESSID=%s; %s" % (id, settings["attributes"]))
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    print("port", server.server_port, flush=True)
    server.serve_forever()
    """
}
