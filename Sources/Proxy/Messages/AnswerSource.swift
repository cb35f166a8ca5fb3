/// Whose answer it is, and what of it must change on its way.
enum AnswerSource {
  /// The new pool's; nil when nothing has to change.
  case new(New?)
  /// The old server's: its own address must not reach the client, nor its cookies under their own names.
  case old(Old)

  struct New {
    let cookies: CookieRules
    /// What its server writes in front of the sticky cookie's value; see ``StickyCookie``.
    let tag: [UInt8]
  }

  struct Old {
    let address: OldAddress
    let cookies: CookieRules?
  }
}
