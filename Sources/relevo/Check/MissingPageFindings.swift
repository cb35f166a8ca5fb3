import EventLoop
import Proxy

/// What is said of the way in which a server answers for pages that do not exist: on the new site anything but a miss
/// defeats the fallback, on the old one it fills the map with rubbish.
struct MissingPageFindings {
  let server: CheckedServer
  /// A path that does not exist.
  let example: String
  /// The answer is the site's home page.
  var isHomePage = false
  /// The answer is the empty page that an application in the browser fills.
  var isApplication = false
  /// A text that the page for missing pages has and the home page has not.
  var tellingText: String?

  func finding(_ kind: MissingPage) -> Finding {
    switch server.role {
    case .new: ofNew(kind)
    case .old: ofOld(kind)
    }
  }

  private var subject: String { server.name }

  private func unreached(_ error: HTTPClientError) -> Finding {
    let remedy =
      switch error {
      case .tls: OriginRemedy.tls.asSentence
      case .unreachable, .timeout, .closed, .malformed:
        "See that it runs, that the address is right and that this machine may connect to it."
      }
    return .problem(subject, "gives no answer: \(error)", remedy: remedy)
  }

  private func ok(_ kind: String) -> Finding {
    .ok(subject, "answers \(kind) for a page that does not exist")
  }

  private func redirectsToHTTPS() -> Finding {
    .problem(
      subject, "redirects everything to https",
      remedy: """
        Give its URL with https:// and Relevo speaks that to it. Or have it trust X-Forwarded-Proto from Relevo (with --no-forwarded-for Relevo passes \
        on what stands before it says), or have it leave requests from Relevo's address alone.
        """)
  }

  // MARK: The new site

  private func ofNew(_ kind: MissingPage) -> Finding {
    let consequence = "the old server would never be asked"
    switch kind {
    case .none(let error): return unreached(error)
    case .miss(let status): return ok("\(status)")
    case .softMiss(let flag): return ok("what \(flag) names")
    case .page(let status) where isHomePage || isApplication:
      let what = isHomePage ? "its home page" : "the page of an application"
      return .problem(
        subject,
        "answers \(status) with \(what) for a page that does not exist (\(example)): \(consequence)",
        remedy: """
          A single-page application is set up like this. Let what it has no route for answer 404: in nginx list its \
          routes and end with 'try_files $uri =404', in Apache with a RewriteCond; or let the application's server \
          send the status.
          """)
    case .page(let status):
      return .problem(
        subject, "answers \(status) for a page that does not exist (\(example)): \(consequence)",
        remedy: """
          Let its page for missing pages have the status 404: in nginx 'error_page 404 /404.html' without '=200', in \
          Apache an ErrorDocument that is a path, in PHP http_response_code(404).
          """)
    case .redirectHome, .redirectToPage, .redirect:
      return .problem(
        subject, "redirects to \(place(kind)) from a page that does not exist (\(example)): \(consequence)",
        remedy: """
          Let it answer 404. What redirects is a plugin of the site in most cases, or in Apache an ErrorDocument with \
          a full URL.
          """)
    case .redirectToHTTPS: return redirectsToHTTPS()
    case .redirectToHost(let host):
      return .problem(
        subject, "redirects to \(host) when it is asked as \(server.host)",
        remedy: """
          If that is the public name, check it with --public-host \(shellWord(CheckedServer.withoutPort(host))). If it is not, \
          set the site's own address to the public name (WordPress: home and siteurl).
          """)
    case .refusal(401):
      return .problem(
        subject, "asks for a password where there is no page (\(example)): \(consequence)",
        remedy: "Open it to Relevo's address; a password can stand in what is before Relevo.")
    case .refusal(let status):
      return .problem(
        subject, "answers \(status) for a page that does not exist (\(example)): \(consequence)",
        remedy: "If that is how it says 'not here', serve with --fallback-on 404,\(status).")
    case .failure(let status):
      return .problem(
        subject, "answers \(status) for a page that does not exist (\(example)): \(consequence)",
        remedy: "See its error log; it should answer 404.")
    }
  }

  private func place(_ kind: MissingPage) -> String {
    switch kind {
    case .redirectToPage(let path), .redirect(let path): path
    default: "its home page"
    }
  }

  // MARK: The old server

  private func ofOld(_ kind: MissingPage) -> Finding {
    let consequence = "every URL would be taken for one of its pages"
    switch kind {
    case .none(let error): return unreached(error)
    case .miss(let status): return ok("\(status)")
    case .softMiss(let flag): return ok("what \(flag) names")
    case .page(let status): return ofOldPage(status, consequence)
    case .redirectHome:
      return .warning(
        subject,
        "redirects to its home page from a page that does not exist (\(example)): visitors are sent there in place "
          + "of the new site's 404",
        remedy: "Serve with --old-miss-redirect /")
    case .redirectToPage(let path):
      return .problem(
        subject, "redirects to \(path) from a page that does not exist (\(example)): \(consequence)",
        remedy: "Serve with --old-miss-redirect \(shellWord(path))")
    case .redirect(let location):
      return .problem(
        subject, "redirects to \(location) from a page that does not exist (\(example)): \(consequence)",
        remedy: "Let it answer 404 or 410, or leave redirects out of what is learned: --learn-on 2xx,401.")
    case .redirectToHTTPS: return redirectsToHTTPS()
    case .redirectToHost(let host):
      let name = shellWord(CheckedServer.withoutPort(host))
      return .problem(
        subject,
        "redirects to its own host name \(host) when it is asked as \(server.host), whether a page exists or not: "
          + consequence,
        remedy: "Serve with --old-host \(name), so that it is asked by that name; check with it again.")
    case .refusal(401):
      return .warning(
        subject, "asks for a password where there is no page (\(example)): \(consequence)",
        remedy: "Open it to Relevo's address, or serve with --learn-on 2xx,3xx.")
    case .refusal(let status):
      return .warning(
        subject,
        "answers \(status) for a page that does not exist (\(example)): visitors get that in place of the "
          + "new site's 404",
        remedy: "Serve with --old-miss-on 404,410,\(status)")
    case .failure(let status):
      return .warning(
        subject,
        "answers \(status) for a page that does not exist (\(example)): each is logged as its failure",
        remedy: "See its error log, or serve with --old-miss-on 404,410,\(status)")
    }
  }

  private func ofOldPage(_ status: Int, _ consequence: String) -> Finding {
    let sentence = "answers \(status) for a page that does not exist (\(example)): \(consequence)"
    if status == 200, let tellingText {
      return .problem(subject, sentence, remedy: "Serve with --old-miss-body \(shellWord(tellingText))")
    }
    return .problem(
      subject, sentence,
      remedy: isHomePage
        ? "It answers with its home page, which no text tells from a page: let it answer 404."
        : "Let it answer 404, or serve with --old-miss-body and a text that only this page has.")
  }
}
