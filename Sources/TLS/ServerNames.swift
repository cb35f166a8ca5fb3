/// Which of several answers a name gets: the one for the name itself, else the one for any name one label before its domain
/// (RFC 9525, 6.3), else the first.
struct ServerNames {
  private var places: [String: Int] = [:]

  /// The first that claims a name has it.
  mutating func claim(_ name: String, for place: Int) {
    if places[name] == nil { places[name] = place }
  }

  /// Nil when nobody claims it.
  func place(of name: String) -> Int? {
    let name = name.lowercased()
    if let place = places[name] { return place }
    guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
    return places["*" + name[dot...]]
  }
}
