/// Counts the bytes that sockets of one loop move: see ``StreamSocket/meter``.
public final class ByteMeter: Sendable {
  private static let received = 0
  private static let sent = 1
  private let cells = CounterCells(count: 2)

  public init() {}

  /// Bytes that the sockets have received so far. Any thread may ask.
  public var receivedBytes: UInt64 { cells[Self.received] }
  /// Bytes that the kernel has taken from them so far. Any thread may ask.
  public var sentBytes: UInt64 { cells[Self.sent] }

  func countReceived(_ bytes: Int) { cells.add(UInt64(truncatingIfNeeded: bytes), at: Self.received) }
  func countSent(_ bytes: Int) { cells.add(UInt64(truncatingIfNeeded: bytes), at: Self.sent) }
}
