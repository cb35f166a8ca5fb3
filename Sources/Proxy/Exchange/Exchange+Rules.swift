import HTTP1
import URLMap

extension Exchange {
  // MARK: Rules

  /// What the operator's rules say of this URL; nil when they say nothing.
  func stepByRule() -> Step? {
    guard hasURL else { return nil }
    let target = unsafe UnsafeRawBufferPointer(rebasing: client.input.readable[head.pathAndQuery.range])
    return switch unsafe settings.rules.site(for: target.bytes, room: &worker.keyScratch) {
    case .alwaysNew: .newByRule
    case .alwaysOld: .oldByRule
    case nil: nil
    }
  }

  // MARK: Assets of old pages

  /// Whom an asset is asked of that a page of the old site refers to; nil when it is no such asset. Called while the
  /// worker's field table describes this request.
  func stepByReferer(insteadOf byMap: Step) -> Step? {
    guard head.method == .get || head.method == .head, isAsset else { return nil }
    variesByReferer = true
    return byMap != .oldByMap && refererIsOld ? .oldByReferer : nil
  }

  private var isAsset: Bool {
    let input = unsafe client.input.readable
    if let destination = worker.requestFields.first(.secFetchDest) {
      return unsafe Asset.isDestination(
        UnsafeRawBufferPointer(rebasing: input[destination.value.range]).bytes)
    }
    return unsafe Asset.hasExtension(UnsafeRawBufferPointer(rebasing: input[head.path.range]).bytes)
  }

  /// Whether the page that refers to this asset is this site's and known to be the old server's. The visit is the
  /// asset's, so the page's entry does not count it.
  private var refererIsOld: Bool {
    guard let referer = worker.requestFields.first(.referer) else { return false }
    let input = unsafe client.input.readable
    let value = unsafe UnsafeRawBufferPointer(rebasing: input[referer.value.range]).bytes
    let reference = URIReference.split(value)
    guard let authority = reference.authority else { return false }
    let host = value.extracting(authority.range)
    guard unsafe host.namesHost(of: Array(input[head.authority.range])) else { return false }
    let page = value.extracting(reference.pathAndQuery.range)
    // A field may hold bytes that no request target does, and no key.
    guard page.byteOffsets.allSatisfy({ (0x21...0x7E).contains(page.byte(at: $0)) }) else { return false }
    switch settings.rules.site(for: page, room: &worker.keyScratch) {
    case .alwaysNew: return false
    case .alwaysOld: return true
    case nil:
      return withKey(of: page, host: host) { worker.reader.lookup($0, countingHitAt: nil) != nil } ?? false
    }
  }
}
