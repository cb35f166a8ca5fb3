import Testing

/// What a visitor's browser thinks of the TLS that it gets.
@Suite("TLS in Chromium")
struct TLSBrowserTests {
  @Test("shows a page as secure, with the version and the certificate, and none of a stranger's")
  func padlock() throws {
    let (authority, stranger) = (try Authority.shared.get(), try Authority())
    // The files go with their authority.
    defer { withExtendedLifetime(stranger) {} }
    let pairs = [try authority.sign(["site.test"]), try stranger.sign(["stranger.test"])]
    let files = pairs.flatMap { ["--tls-cert", $0.certificate] } + pairs.flatMap { ["--tls-key", $0.key] }
    let new = try ScriptedOrigin.always(
      200, "<!doctype html><title>the page</title><link rel=icon href=data:,>")
    try withRelevo(
      new: [new], old: [RefusedPort()], flags: ["--tls-listen", "127.0.0.1:0", "--tls-hsts", "1d"] + files
    ) { relevo in
      let browser = try Browser(trusting: authority)
      let page = "https://site.test:\(relevo.tlsPort)/"
      try browser.open(page)
      #expect(try browser.value("document.title") == "the page")
      #expect(try browser.value("isSecureContext") == true)
      #expect(
        browser.secured == [
          Browser.Secured(
            url: page, state: "secure", version: "TLS 1.3", subject: "site.test", issuer: "Test CA")
        ])
      #expect(browser.complaints == [])
      #expect(
        try browser.refusal(of: "https://stranger.test:\(relevo.tlsPort)/")
          == "net::ERR_CERT_AUTHORITY_INVALID")
      #expect(new.requests.count == 1)
    }
  }
}
