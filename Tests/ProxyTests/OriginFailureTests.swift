import Glibc
import HTTP1
import Testing

@testable import Proxy

@Suite("a server that fails a request")
struct OriginFailureTests {
  @Test(
    "is told in one sentence with what to do about it",
    arguments: [
      (OriginFailure.refused(errno: ECONNREFUSED), "see that it runs and listens there"),
      (.refused(errno: EHOSTUNREACH), "see that the machine and the way to it are up"),
      (.connectTimeout, "see that the machine and the way to it are up"),
      (.died(errno: 0), "see its error log"),
      (.timeout, "it hangs, or has too much to do: see its log"),
      (.malformed(.invalidStatusLine), "see what listens there"),
      (.malformedUpgrade, "see what listens there"),
    ])
  func remedy(failure: OriginFailure, remedy: String) {
    #expect(failure.told.hasSuffix("; \(remedy)"))
    #expect(!failure.told.contains(".;"))
  }

  @Test("is told by the cause alone when that is no server's fault")
  func noServersFault() {
    #expect(OriginFailure.noServer.told == OriginFailure.noServer.description)
  }

  @Test("is no word against the servers when this process has too much to do")
  func ownShortage() {
    #expect(OriginFailure.noDescriptor.noteOfNew == .noDescriptor)
    #expect(OriginFailure.noDescriptor.noteOfOld == .noDescriptor)
    #expect(OriginFailure.noDescriptor.refusedFallback == .fallbacksNoDescriptor)
    #expect(OriginFailure.noDescriptor.isOverload, "so that no old server stands in")
  }
}
