/// Which of the two websites a server belongs to.
public enum Site: String, Sendable, CaseIterable {
  /// The one that is asked first.
  case new
  /// The one being left.
  case old
}
