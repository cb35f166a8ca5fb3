import Synchronization

/// Numbers that one thread raises and any thread reads.
///
/// They lie in memory of their own, in whole pairs of cache lines (the processor fetches lines in pairs): raising one is
/// a plain load and store on a line that no other thread writes to.
@safe public final class CounterCells: @unchecked Sendable {
  private static let alignment = 128
  private static let cellBytes = MemoryLayout<Atomic<UInt64>>.stride

  public let count: Int
  /// Owned, freed in `deinit`; `count` of them are made. Atomics of this size have nothing to destroy.
  @usableFromInline internal let cells: UnsafeMutablePointer<Atomic<UInt64>>

  /// - Parameter count: 1 or more; all begin with 0.
  public init(count: Int) {
    precondition(count > 0, "cells without a cell")
    let bytes = (count * Self.cellBytes + Self.alignment - 1) / Self.alignment * Self.alignment
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: Self.alignment)
    let cells = unsafe memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
    for index in 0..<count { unsafe (cells + index).initialize(to: Atomic(0)) }
    unsafe self.cells = unsafe cells
    self.count = count
  }

  deinit {
    unsafe UnsafeMutableRawPointer(cells).deallocate()
  }

  /// Only the owning thread calls this. Wraps around.
  @inlinable public func add(_ amount: UInt64, at index: Int) {
    precondition(index >= 0 && index < count, "no such cell")
    unsafe cells[index].store(
      cells[index].load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  /// Only the owning thread calls this.
  @inlinable public func set(_ value: UInt64, at index: Int) {
    precondition(index >= 0 && index < count, "no such cell")
    unsafe cells[index].store(value, ordering: .relaxed)
  }

  /// Any thread may read.
  @inlinable public subscript(_ index: Int) -> UInt64 {
    precondition(index >= 0 && index < count, "no such cell")
    return unsafe cells[index].load(ordering: .relaxed)
  }
}
