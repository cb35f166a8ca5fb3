import EventLoop

/// Finds what is asked for, and who may ask it.
struct AdminRouter: Sendable {
  private let access: Access
  private let api: AdminAPI

  init(access: Access, api: AdminAPI) {
    self.access = access
    self.api = api
  }

  /// - Throws: ``Refusal``: it is not for this client, not there, or not possible.
  func reply(to request: AdminRequest) throws(Refusal) -> Reply {
    let resource = request.segments.flatMap(Resource.init(path:))
    if resource?.isPublic != true { try access.check(request) }
    guard let resource else {
      throw .notFound("there is nothing under this path: /openapi.json says what there is")
    }
    guard let method = resource.method(request.method) else { throw .method(allowed: resource.methods) }
    if method != "GET" { try Self.checkIntent(request) }
    return try api.reply(to: request, for: resource, method: method)
  }

  /// A page of another site can make a browser send a form here, but not with this field.
  private static func checkIntent(_ request: AdminRequest) throws(Refusal) {
    guard request.field("X-Relevo-Admin") == "1" else {
      throw .forbidden("a change needs the header field X-Relevo-Admin: 1")
    }
  }
}
