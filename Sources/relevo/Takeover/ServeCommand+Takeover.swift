import EventLoop
import Logging
import Proxy

extension ServeCommand {
  /// The process that `--takeover` is about; nil without the flag, and when there is none.
  func findPredecessor(_ places: ListeningPlaces, logger: Logger) throws(CommandFailure) -> Predecessor? {
    guard listening.takeover else { return nil }
    return try Predecessor.find(
      clients: try Self.addresses(places.clients), admin: try Self.addresses(places.admin),
      mapPath: map.mapFile?.description, logger: logger)
  }

  private static func addresses(_ places: [ListenAddress]) throws(CommandFailure) -> [SocketAddress] {
    var addresses: [SocketAddress] = []
    do throws(UnusableAddress) {
      for place in places { addresses += try place.addresses() }
    } catch {
      throw CommandFailure("can't listen on \(error.address): \(error.reason)", code: .unavailable)
    }
    return addresses
  }
}
