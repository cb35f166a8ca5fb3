import Dispatch
import EventLoop

/// One of the demo's two websites: an HTTP server on a loopback port of the kernel's choice, with its own
/// thread, until the process ends.
struct DemoOrigin: Sendable {
  let port: UInt16

  /// Returns when the site answers.
  ///
  /// - Parameter asked: called on the site's thread with each request's method, target and status.
  /// - Throws: ``EventLoopError`` when it cannot listen.
  init(_ site: DemoSite, asked: @escaping @Sendable (String, String, Int) -> Void) throws {
    let started = DispatchSemaphore(value: 0)
    let outcome = Outcome()
    try LoopThread(name: "demo-\(site.name)") {
      do throws(EventLoopError) {
        let loop = try EventLoop()
        let server = try HTTPServer(loop: loop) { request in
          let response = site.answer(request)
          asked(request.method, request.target, response.status)
          return response
        }
        let port = try server.listen(host: "127.0.0.1", port: 0)
        outcome.result.withLock { $0 = .success(port) }
        started.signal()
        withExtendedLifetime(server) { loop.run() }
      } catch {
        outcome.result.withLock { $0 = .failure(error) }
        started.signal()
      }
    }.detach()
    started.wait()
    port = try outcome.result.withLock { $0 }.get()
  }

  private final class Outcome: Sendable {
    let result = Locked<Result<UInt16, EventLoopError>>(.failure(.noBase))
  }
}
