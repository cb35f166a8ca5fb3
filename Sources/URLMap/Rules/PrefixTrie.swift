/// Values of prefixes, found by the longest one that a path begins with. Built once and never changed, so that any
/// number of threads read it as it stands; path-compressed: a look-up compares no byte of the path twice.
///
/// ```
///   node 0  "/"        children 1..<3
///   node 1  "css/"     a value
///   node 2  "wp-"      children 3..<5
///   node 3  "admin/"   a value
///   node 4  "login"    a value
/// ```
/// The children of a node stand side by side; each differs from the others in its first byte.
struct PrefixTrie<Value: Sendable>: Sendable {
  private struct Node {
    /// Its bytes in `labels`.
    var label: Range<Int>
    /// Of the prefix that ends with this node, if one does.
    var value: Value?
    var children: Range<Int>
  }

  private var nodes: [Node] = []
  private var labels: [UInt8] = []

  init(_ values: [[UInt8]: Value]) {
    guard !values.isEmpty else { return }
    let prefixes = values.keys.sorted { $0.lexicographicallyPrecedes($1) }
    // A node stands for neighbours that have their first `depth` bytes in common; the n-th here becomes node n.
    var pending = [(prefixes: prefixes.indices, depth: 0)]
    while nodes.count < pending.count {
      let (neighbours, depth) = pending[nodes.count]
      let first = prefixes[neighbours.lowerBound]
      let end = zip(first, prefixes[neighbours.upperBound - 1]).prefix { $0 == $1 }.count
      var rest = neighbours
      if first.count == end { rest.removeFirst() }
      let children = pending.count
      while let next = rest.first {
        let byte = prefixes[next][end]
        let split = rest.first { prefixes[$0][end] != byte } ?? rest.upperBound
        pending.append((next..<split, end))
        rest = split..<rest.upperBound
      }
      nodes.append(
        Node(
          label: labels.count..<labels.count + end - depth, value: first.count == end ? values[first] : nil,
          children: children..<pending.count))
      labels += first[depth..<end]
    }
  }

  /// The value of the longest prefix that `path` begins with; nil without one.
  func value(of path: RawSpan) -> Value? {
    guard var node = nodes.first else { return nil }
    var longest: Value?
    var offset = 0
    while true {
      let end = offset + node.label.count
      guard end <= path.byteCount,
        zip(node.label, offset..<end).allSatisfy({ labels[$0] == path.byte(at: $1) })
      else { return longest }
      if let value = node.value { longest = value }
      guard end < path.byteCount,
        let child = node.children.first(where: { labels[nodes[$0].label.lowerBound] == path.byte(at: end) })
      else { return longest }
      node = nodes[child]
      offset = end
    }
  }
}

extension Range<Int> {
  fileprivate mutating func removeFirst() { self = lowerBound + 1..<upperBound }
}
