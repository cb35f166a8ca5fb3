import Foundation

/// What a Relevo may hold at most, whatever passes through it.
enum Memory {
  /// 64 MB; a sanitizer multiplies what a process holds, so its runs say how much they allow (`make sanitize`).
  static let limitMB = ProcessInfo.processInfo.environment["RELEVO_TEST_MEMORY_MB"].flatMap { Int($0) } ?? 64
}
