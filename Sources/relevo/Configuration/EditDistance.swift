/// How far a misspelt name is from those that there are.
enum EditDistance {
  /// So many letters may be wrong.
  private static let limit = 3

  /// The name that was meant, most likely; nil when none is near. O(names × length²).
  static func nearest(to word: String, among names: [String]) -> String? {
    guard word.utf8.count <= 64 else { return nil }
    let distances = names.map { (name: $0, distance: between(word, $0)) }
    guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
    // Of a short word little is left when three of its letters are others.
    return best.distance <= min(limit, max(1, word.utf8.count / 3)) ? best.name : nil
  }

  /// Levenshtein's: the letters to insert, remove or replace.
  static func between(_ first: String, _ second: String) -> Int {
    let (first, second) = (Array(first.utf8), Array(second.utf8))
    var row = Array(0...second.count)
    for (rowIndex, letter) in first.enumerated() {
      var diagonal = row[0]
      row[0] = rowIndex + 1
      for column in second.indices {
        let replaced = diagonal + (letter == second[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
      }
    }
    return row[second.count]
  }
}
