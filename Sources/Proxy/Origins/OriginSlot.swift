/// One request's place at a server, taken for as long as this value lives.
///
/// The connection that carries the request owns it, so that no way out of an exchange can forget to give it back.
struct OriginSlot: ~Copyable {
  let server: OriginServer
  private let isTrial: Bool

  /// - Parameters:
  ///   - server: whose gate, where it has one, has let the request in.
  ///   - isTrial: the request finds out whether the server answers again.
  init(_ server: OriginServer, isTrial: Bool) {
    self.server = server
    self.isTrial = isTrial
    server.tally.requestBegan()
  }

  deinit {
    if isTrial { server.state.endTrial() }
    server.tally.requestEnded()
    server.slotEnded()
  }
}

/// What a pool has for a request.
enum OriginChoice: ~Copyable {
  case server(OriginSlot)
  /// Those that could take it serve their maximum.
  case full
  /// There is none that has not been tried or that the operator lets take requests.
  case none
}
