/// What the two sites have in common and should not.
struct SitePair {
  /// The servers of each that answer; at least one.
  let new: [Observation]
  let old: [Observation]

  private static let subject = "both sites"

  /// On the new site a query may not matter where on the old one it names the page.
  func queries(_ query: String, rules: MissRules) -> [Finding] {
    guard let new = new.first, let old = old.first, let ofNew = new.replies[query],
      let ofOld = old.replies[query],
      case .page(let status) = MissingPage(ofNew, of: new.server, rules: rules)
    else { return [] }
    switch MissingPage(ofOld, of: old.server, rules: rules) {
    case .miss, .softMiss: break
    default: return []
    }
    return [
      .warning(
        Self.subject,
        "the new one answers \(status) to \(query), which the old one misses: if the old site has pages that differ from "
          + "its home page by their query only (/?p=7), it is never asked for them",
        remedy:
          "Serve with --always-old '/?p=', or let the new site answer 404 to queries that it does not know.")
    ]
  }

  func cookies(_ paths: [String]) -> [Finding] {
    let shared = names(new, paths).intersection(names(old, paths)).sorted()
    if shared.isEmpty { return [.ok(Self.subject, "set no cookie of the same name")] }
    return [
      .warning(
        Self.subject,
        "set cookies of the same name: \(shared.joined(separator: ", ")); to a browser they are one site, and each "
          + "overwrites the other's",
        remedy:
          "Serve with --old-cookie-prefix old_, or rename them on one of the two (PHP: session.name).")
    ]
  }

  private func names(_ site: [Observation], _ paths: [String]) -> Set<String> {
    let cookies = site.flatMap { server in paths.flatMap { server.answer($0)?.values(of: "Set-Cookie") ?? [] }
    }
    return Set(cookies.compactMap { $0.split(separator: "=").first.map(String.init) })
  }

  /// - Parameter missing: a path that neither has: who answers a well-known one like that has not got it either.
  func wellKnownPaths(butLike missing: String) -> [Finding] {
    let shared = WellKnownPath.all.filter { path in
      guard let ofNew = page(path, new, missing), let ofOld = page(path, old, missing) else { return false }
      return ofNew != ofOld
    }
    if shared.isEmpty {
      let list = WellKnownPath.all.map(\.path).joined(separator: ", ")
      return [.ok(Self.subject, "do not clash in \(list)")]
    }
    return shared.map {
      .warning(Self.subject, "have a \($0.path) of their own: visitors get the new one's", remedy: $0.remedy)
    }
  }

  private func page(_ path: WellKnownPath, _ site: [Observation], _ missing: String) -> [UInt8]? {
    for server in site {
      guard let answer = server.answer(path.path), answer.status == 200 else { continue }
      if answer.body != server.answer(missing)?.body { return answer.body }
    }
    return nil
  }
}

/// A path that most sites have.
struct WellKnownPath {
  let path: String
  /// What to do when both have it.
  let remedy: String

  static let all = [
    WellKnownPath(
      path: "/robots.txt",
      remedy: "Put into the new one what still holds for the old pages."),
    WellKnownPath(
      path: "/favicon.ico",
      remedy: "Nothing, unless it matters: --always-old /favicon.ico gives everybody the old one."),
    WellKnownPath(
      path: "/sitemap.xml",
      remedy: """
        List the old pages that stay in the new one; relevo map export --format sitemap writes those that Relevo knows.
        """),
    WellKnownPath(
      path: "/style.css",
      remedy:
        "Old pages would wear the new style: serve with --old-assets-by-referer, or rename one of the two."),
  ]
}
