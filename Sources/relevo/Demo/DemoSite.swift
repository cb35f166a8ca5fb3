import EventLoop

/// What the demo's two websites have.
enum DemoSite: Sendable {
  case new
  case old

  var name: String {
    switch self {
    case .new: "new"
    case .old: "old"
    }
  }

  /// The page that only the old site has.
  static let onlyOld = "/noexiste.html"
  /// A page that neither has.
  static let nowhere = "/nowhere.html"

  func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
    let (status, page) = content(ofPath: request.path)
    return HTTPServerResponse(
      status: status,
      headers: [
        ("Content-Type", HTTPServerResponse.html), ("Cache-Control", "no-store"), ("X-Served-By", name),
      ],
      body: Array(page.utf8))
  }

  private func content(ofPath path: Substring) -> (status: Int, page: String) {
    switch (self, path) {
    case (.new, "/"): (200, DemoPages.newHome)
    case (.old, "/"): (200, DemoPages.oldHome)
    case (.old, Self.onlyOld[...]): (200, DemoPages.neverMoved)
    case (.new, _): (404, DemoPages.newNotFound)
    case (.old, _): (404, DemoPages.oldNotFound)
    }
  }
}
