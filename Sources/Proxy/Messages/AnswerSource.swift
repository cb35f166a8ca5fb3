/// Whose answer it is, and what of it must change on its way.
enum AnswerSource {
  /// The new pool's. Its cookies are remembered where they are told from the old server's.
  case new(cookies: CookieRules?)
  /// The old server's: its own address must not reach the client, nor its cookies under their own names.
  case old(Old)

  struct Old {
    let address: OldAddress
    let cookies: CookieRules?
  }
}
