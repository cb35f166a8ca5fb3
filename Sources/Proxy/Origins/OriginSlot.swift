/// One request's place at a server, taken for as long as this value lives.
///
/// The connection that carries the request owns it, so that no way out of an exchange can forget to give it back.
struct OriginSlot: ~Copyable {
  /// What its end has to tell others; mostly nothing.
  struct Marks: OptionSet {
    let rawValue: UInt8

    /// The request finds out whether the server answers again.
    static let trial = Marks(rawValue: 1)
    /// The gate has let it in, and did not just stand open.
    static let counted = Marks(rawValue: 2)
  }

  let server: OriginServer
  private let marks: Marks

  init(_ server: OriginServer, _ marks: Marks) {
    self.server = server
    self.marks = marks
    server.tally.requestBegan()
  }

  deinit {
    server.tally.requestEnded()
    if !marks.isEmpty { server.slotEnded(marks) }
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
