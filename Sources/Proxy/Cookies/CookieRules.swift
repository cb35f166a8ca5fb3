import HTTP1

/// Which cookies belong to which site, and how that shows in their names. One for all workers; nil in the settings when
/// no flag asks for any of this.
final class CookieRules: Sendable {
  let oldPrefix: OldCookiePrefix
  /// The cookies that the new pool was seen to set.
  let namesOfNew = CookieNames()

  init(oldPrefix: OldCookiePrefix) {
    self.oldPrefix = oldPrefix
  }
}
