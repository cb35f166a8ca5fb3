/// How the visits are spread: few URLs have most of them, and many have a few, the long tail.
struct Concentration: Equatable {
  /// The URLs that were visited at all.
  let urls: Int
  /// How many of the most visited URLs it takes for 0, 1, … 100 % of all visits.
  private let urlsForPercent: [Int]

  /// - Parameter visits: of each URL, in any order; zeros do not count. O(n log n).
  init(visits: [UInt32]) {
    let sorted = visits.filter { $0 > 0 }.sorted(by: >)
    urls = sorted.count
    let total = sorted.reduce(0) { $0 + Int($1) }
    var needed = [0]
    needed.reserveCapacity(101)
    var sum = 0
    for (index, visits) in sorted.enumerated() {
      sum += Int(visits)
      while needed.count <= 100, Self.isReached(percent: needed.count, sum: sum, total: total) {
        needed.append(index + 1)
      }
    }
    urlsForPercent = needed + repeatElement(sorted.count, count: 101 - needed.count)
  }

  /// In doubles: a hundred times the visits of many URLs is more than an Int holds. Rounded, they still end at 100.
  private static func isReached(percent: Int, sum: Int, total: Int) -> Bool {
    sum == total || Double(sum) >= Double(total) * Double(percent) / 100
  }

  /// The smallest number of URLs that have so many of a hundred visits together; `percent` is from 0 to 100.
  func urls(forPercent percent: Int) -> Int {
    urlsForPercent[min(max(percent, 0), 100)]
  }
}
