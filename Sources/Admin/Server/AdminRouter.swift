import EventLoop

/// What is answered to a request.
enum AdminRouter {
  static func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
    guard request.path == "/healthz" else {
      return HTTPServerResponse(status: 404, text: "there is nothing here\n")
    }
    guard ["GET", "HEAD"].contains(request.method) else {
      var refusal = HTTPServerResponse(status: 405, text: "GET and HEAD are answered here\n")
      refusal.headers.append(("Allow", "GET, HEAD"))
      return refusal
    }
    return HTTPServerResponse(text: "ok\n")
  }
}
