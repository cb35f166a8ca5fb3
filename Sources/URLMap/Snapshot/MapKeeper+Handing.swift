/// How a map's files go from one process to the next, without a moment in which both write them.
///
/// The process that has them calls ``hold()``: all is on the disk then, and stays as it is. The next one loads it by a keeper
/// that begins holding. When it serves, the first calls ``passOn(to:)`` and the next ``goOn()``; when it does not come that
/// far, the first calls ``goOn()``. What changes meanwhile is kept in memory, as when the disk stands still.
extension MapKeeper {
  /// Who writes the map's files.
  enum Writing: Sendable {
    /// This keeper.
    case ours
    /// Nobody, for now.
    case held
    /// Another process, which is sent what changes.
    case passedOn(@Sendable ([UInt8]) -> Void)
  }

  /// Brings all that changed to the disk, and writes nothing more until ``goOn()``. During the load, after it. Blocks for the
  /// disk. For one thread, and not the keeper's.
  ///
  /// - Throws: ``SnapshotError`` when something is not on the disk: nothing is held then.
  public func hold() throws(SnapshotError) {
    guard setWriting(.held) else { throw .interrupted(path: path) }
    while true {
      hasHeld.wait(atMost: .seconds(1))
      let (result, isStopping) = control.withLock { ($0.held.take(), $0.isStopping) }
      switch result {
      case .success: return
      case .failure(let error): throw error
      case nil: if isStopping || unusable != nil { throw .interrupted(path: path) }
      }
    }
  }

  /// Writes the files again, or for the first time: what changed meanwhile too.
  public func goOn() { _ = setWriting(.ours) }

  /// Leaves the files to another process for good. What changes from here on, and what has changed since ``hold()``, goes to
  /// `receiver`, for ``URLMap/apply(changes:)``; called on the keeper's thread, twice a second and at the end.
  public func passOn(to receiver: @escaping @Sendable ([UInt8]) -> Void) {
    _ = setWriting(.passedOn(receiver))
  }

  /// False when it was stopped.
  private func setWriting(_ writing: Writing) -> Bool {
    let isRunning = control.withLock { control in
      control.writing = writing
      return control.thread != nil
    }
    alarm.ring()
    return isRunning
  }
}

extension URLMap {
  /// Makes the changes that another process's map has made, as its ``MapKeeper/passOn(to:)`` tells them. From any thread.
  public func apply(changes: [UInt8]) {
    ChangeLog.forEachChange(in: changes.span) { kind, key, time in
      // Bytes have no padding, which is what makes a raw view of other elements unsafe.
      switch kind {
      case .learned: unsafe learn(key.bytes, at: time)
      case .forgotten: unsafe forget(key.bytes)
      }
    }
  }
}
