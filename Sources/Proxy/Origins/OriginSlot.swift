/// One request's place at a server: counted as in flight for as long as this value lives.
///
/// The connection that carries the request owns it, so that no way out of an exchange can forget to give it back.
struct OriginSlot: ~Copyable {
  private let server: OriginServer

  init(_ server: OriginServer) {
    self.server = server
    server.tally.requestBegan()
  }

  deinit { server.tally.requestEnded() }
}
