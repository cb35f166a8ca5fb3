/// A directory of the known URLs and what lies below it.
struct Directory: Equatable {
  /// Below its parent, with the slash at its end: `docs/`. Several in one where nothing lies between:
  /// `usr/share/doc/`. The root of maps whose keys have hosts has none.
  var name: [UInt8]
  /// Of everything below.
  var tally = Tally()
  /// Of the URLs that lie in none of the directories below.
  var own = Tally()
  var directories: [Directory] = []
  /// The directories below that are not told one by one.
  var folded = Folded()

  struct Folded: Equatable {
    var directories = 0
    var tally = Tally()
  }

  init(name: [UInt8]) {
    self.name = name
  }

  /// The figure that tells what is large; the other one decides between equals.
  enum Order: Sendable {
    case urls, visits
  }

  private struct Weight: Comparable {
    let first: Int
    let second: Int

    static func < (one: Weight, other: Weight) -> Bool {
      one.first != other.first ? one.first < other.first : one.second < other.second
    }
  }

  /// Never above that of the directory it lies in.
  private func weight(_ order: Order) -> Weight {
    switch order {
    case .urls: Weight(first: tally.urls, second: tally.visits)
    case .visits: Weight(first: tally.visits, second: tally.urls)
    }
  }

  /// How many directories are told one by one, at any depth below this one.
  var count: Int { directories.reduce(directories.count) { $0 + $1.count } }

  /// Leaves out what lies more than `depth` directories below this one. It goes on being counted.
  mutating func cut(toDepth depth: Int) {
    if depth <= 0 {
      directories.removeAll()
      folded = Folded()
    }
    for index in directories.indices { directories[index].cut(toDepth: depth - 1) }
  }

  /// Folds the smallest until at most `limit` are told one by one: what is left are the largest of the whole tree.
  ///
  /// O(n log n) for n directories.
  mutating func fold(to limit: Int, by order: Order) {
    var weights: [Weight] = []
    gatherWeights(order, into: &weights)
    guard weights.count > limit else { return }
    guard limit > 0 else { return foldAll { _ in false } }
    weights.sort(by: >)
    let least = weights[limit - 1]
    // Of those that weigh exactly as much, so many stay. A directory is asked before those below it.
    var room = limit - weights.prefix { $0 > least }.count
    foldAll { directory in
      let weight = directory.weight(order)
      if weight > least { return true }
      guard weight == least, room > 0 else { return false }
      room -= 1
      return true
    }
  }

  private func gatherWeights(_ order: Order, into weights: inout [Weight]) {
    for directory in directories {
      weights.append(directory.weight(order))
      directory.gatherWeights(order, into: &weights)
    }
  }

  private mutating func foldAll(except stays: (Directory) -> Bool) {
    var staying: [Directory] = []
    for var directory in directories {
      if stays(directory) {
        directory.foldAll(except: stays)
        staying.append(directory)
      } else {
        folded.directories += 1
        folded.tally += directory.tally
      }
    }
    directories = staying
  }

  /// Puts the largest first, everywhere; equal ones by name.
  mutating func sort(by order: Order) {
    directories.sort { one, other in
      let (weight, otherWeight) = (one.weight(order), other.weight(order))
      return weight != otherWeight
        ? weight > otherWeight : one.name.lexicographicallyPrecedes(other.name)
    }
    for index in directories.indices { directories[index].sort(by: order) }
  }

  /// Takes the only directory below it into its own name, where it has nothing else.
  mutating func joinOnlyDirectory() {
    guard directories.count == 1, own.urls == 0, folded.directories == 0 else { return }
    var only = directories.removeLast()
    only.name = name + only.name
    self = only
  }
}
