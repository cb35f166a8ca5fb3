/// The largest of any number of items, in memory for a bounded number of them: a heap with the least at its top.
public struct Largest<Rank: Comparable, Value> {
  public struct Item {
    public let rank: Rank
    public let value: Value
  }

  private let limit: Int
  /// No item ranks above one of its children, which are at twice its index and one and two more.
  private var heap: [Item] = []

  /// - Parameter limit: how many are kept.
  public init(_ limit: Int) {
    self.limit = limit
  }

  /// Keeps the item if it is among the largest so far; else `value` is not even made. O(log limit).
  public mutating func offer(_ rank: Rank, _ value: @autoclosure () -> Value) {
    guard limit > 0 else { return }
    if heap.count < limit {
      heap.append(Item(rank: rank, value: value()))
      siftUp(from: heap.count - 1)
    } else if let least = heap.first, least.rank < rank {
      heap[0] = Item(rank: rank, value: value())
      siftDown()
    }
  }

  /// What was kept, the largest first. O(limit log limit).
  public consuming func sorted() -> [Item] {
    heap.sort { $0.rank > $1.rank }
    return heap
  }

  private mutating func siftUp(from start: Int) {
    var index = start
    while index > 0 {
      let parent = (index - 1) / 2
      guard heap[index].rank < heap[parent].rank else { return }
      heap.swapAt(index, parent)
      index = parent
    }
  }

  private mutating func siftDown() {
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2]
      where child < heap.count && heap[child].rank < heap[least].rank {
        least = child
      }
      guard least != index else { return }
      heap.swapAt(index, least)
      index = least
    }
  }
}
