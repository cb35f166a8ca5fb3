import Dispatch
import EventLoop

/// A thread that does what would hold up the loop, one job after the other, behind a bounded queue.
final class WorkThread: Sendable {
  typealias Job = @Sendable () -> Void

  private struct Queue {
    var jobs: [Job] = []
    var isStopped = false
  }

  private let limit: Int
  private let queue = Locked(Queue())
  private let wake = DispatchSemaphore(value: 0)
  private let thread = Locked<LoopThread?>(nil)

  /// - Parameter limit: jobs that may wait.
  init(name: String, limit: Int) throws(EventLoopError) {
    self.limit = limit
    let queue = queue
    let wake = wake
    var made: LoopThread? = try LoopThread(name: name) { Self.run(queue, wake) }
    thread.withLock { $0 = made.take() }
  }

  /// False when too many wait.
  func add(_ job: @escaping Job) -> Bool {
    let isTaken = queue.withLock { queue in
      guard queue.jobs.count < limit, !queue.isStopped else { return false }
      queue.jobs.append(job)
      return true
    }
    if isTaken { wake.signal() }
    return isTaken
  }

  /// A further step of a job that is under way: goes to the end of the queue, whatever its length.
  func addAgain(_ job: @escaping Job) {
    queue.withLock { $0.jobs.append(job) }
    wake.signal()
  }

  /// Forgets what waits, and returns when the job under way has ended.
  func stop() {
    queue.withLock { queue in
      queue.isStopped = true
      queue.jobs = []
    }
    wake.signal()
    thread.withLock { $0.take() }?.join()
  }

  private static func run(_ queue: borrowing Locked<Queue>, _ wake: DispatchSemaphore) {
    while true {
      wake.wait()
      let (job, isStopped) = queue.withLock { queue in
        (queue.jobs.isEmpty ? nil : queue.jobs.removeFirst(), queue.isStopped)
      }
      if isStopped { return }
      job?()
    }
  }
}
