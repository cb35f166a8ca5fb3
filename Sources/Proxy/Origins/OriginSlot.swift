/// One request's place at a server, taken for as long as this value lives.
///
/// The connection that carries the request owns it, so that no way out of an exchange can forget to give it back.
struct OriginSlot: ~Copyable {
  let server: OriginServer
  private let isTrial: Bool
  private let isCounted: Bool

  /// - Parameters:
  ///   - server: whose gate, where it has one, has let the request in.
  ///   - isTrial: the request finds out whether the server answers again.
  ///   - isCounted: the gate has let it in, and did not just stand open.
  init(_ server: OriginServer, isTrial: Bool, isCounted: Bool) {
    self.server = server
    self.isTrial = isTrial
    self.isCounted = isCounted
    server.tally.requestBegan()
  }

  deinit {
    if isTrial { server.state.endTrial() }
    server.tally.requestEnded()
    if isCounted { server.countedSlotEnded() }
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
