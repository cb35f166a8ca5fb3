import HTTP1

/// What the flags say of cookies. One for all workers; nil in the settings when they say nothing.
final class CookieRules: Sendable {
  /// Tells the old server's cookies from the new pool's; nil when all go to both sites.
  let oldPrefix: OldCookiePrefix?
  /// Keeps a session on its server of the new pool; nil when the balance decides each time.
  let sticky: StickyCookie?
  /// The cookies that the new pool was seen to set.
  let namesOfNew = CookieNames()

  init(oldPrefix: OldCookiePrefix?, sticky: StickyCookie?) {
    self.oldPrefix = oldPrefix
    self.sticky = sticky
  }
}

/// What decides about the cookies of one request.
struct CookieView {
  let rules: CookieRules
  /// Which site is to get it.
  let site: Site
  /// What the servers of the new pool have in front of the sticky cookie's values; see ``StickyCookie``.
  let tags: [[UInt8]]
}
