/// One of the two websites.
public enum Site: Sendable, Equatable {
  /// The one that is asked first.
  case new
  /// The one being left.
  case old
}
