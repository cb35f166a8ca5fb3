/// Finds what is asked for, and who may ask it.
struct AdminRouter: Sendable {
  /// A page of another site can make a browser send a form here, but not with this field.
  static let noIntent = Refusal.forbidden("a change needs the header field X-Relevo-Admin: 1")

  var access: Access
  private let api: AdminAPI

  init(access: Access, api: AdminAPI) {
    self.access = access
    self.api = api
  }

  /// What a client gets that is not who it says.
  var denial: Refusal { access.denial }

  /// - Throws: ``Refusal`` when the client may not ask this.
  func admit(_ request: AdminRequest) throws(Refusal) -> Access.Admission {
    if request.segments.flatMap(Resource.init(path:))?.isPublic == true { return .granted }
    return try access.admit(request)
  }

  /// - Throws: ``Refusal``: it is not there, or not possible.
  func reply(to request: AdminRequest) throws(Refusal) -> Reply {
    guard let resource = request.segments.flatMap(Resource.init(path:)) else {
      throw .notFound("there is nothing under this path: /openapi.json says what there is")
    }
    guard let method = resource.method(request.method) else { throw .method(allowed: resource.methods) }
    if request.isChange, request.field("X-Relevo-Admin") != "1" { throw Self.noIntent }
    return try api.reply(to: request, for: resource, method: method)
  }
}
