/// The pages of the demo's websites: whole documents that load nothing, in light and dark.
enum DemoPages {
  static let newHome = page(
    site: .new, title: "Welcome to the new site",
    text: """
      <p>This page has been moved: the new server answered, and Relevo passed its answer on.</p>
      <p>The old server has a page under this address too. Nobody asked it.</p>
      """)

  static let oldHome = page(
    site: .old, title: "Welcome to the old site",
    text: """
      <p>You are looking at the old server itself. Through Relevo this address shows the new site.</p>
      """)

  static let neverMoved = page(
    site: .old, title: "The page that nobody moved",
    text: """
      <p>The new server does not have this page and said 404. You did not see that: Relevo passed the same
      request to the old server, under the same address, with no redirect.</p>
      <p>Now load it again. Relevo remembers where the page lives: the new server is not asked this time, as
      the terminal shows.</p>
      """)

  static let newNotFound = page(
    site: .new, title: "404: not on the new site",
    text: """
      <p>Neither server has this page. The old one was asked, and then you got this: the new site's own 404
      page, as it came.</p>
      """)

  static let oldNotFound = page(
    site: .old, title: "404: not on the old site",
    text: """
      <p>This is the old server's own 404 page. Through Relevo nobody sees it: when both miss, the new site's
      is shown.</p>
      """)

  private static func page(site: DemoSite, title: String, text: String) -> String {
    """
    <!DOCTYPE html>
    <html lang="en" class="\(site.name)">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(title)</title>
    <link rel="icon" href="data:,">
    <style>
    \(style)
    </style>
    </head>
    <body>
    <main>
    <p class="site">\(site.name) site</p>
    <h1>\(title)</h1>
    \(text)
    <nav>
    <a href="/">Home</a>
    <a href="\(DemoSite.onlyOld)">A page that only the old site has</a>
    <a href="\(DemoSite.nowhere)">A page that neither has</a>
    </nav>
    </main>
    </body>
    </html>

    """
  }

  private static let style = """
    :root { color-scheme: light dark; --ink: #1c2024; --paper: #f7f8f9; --card: #ffffff; --line: #dfe3e6; }
    .new { --site: #0b7a5b; }
    .old { --site: #a8540a; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e8eaec; --paper: #15181b; --card: #1e2226; --line: #343a40; }
      .new { --site: #4ccda4; }
      .old { --site: #f0a25c; }
    }
    body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper);
      color: var(--ink); font: 1.05rem/1.6 system-ui, sans-serif; }
    main { box-sizing: border-box; width: min(40rem, 100%); padding: 2.5rem; background: var(--card);
      border: 1px solid var(--line); border-top: .4rem solid var(--site); border-radius: .5rem; }
    h1 { margin: .2rem 0 1rem; font-size: 1.7rem; line-height: 1.25; }
    .site { margin: 0; color: var(--site); font-weight: 700; font-size: .85rem; letter-spacing: .08em;
      text-transform: uppercase; }
    nav { display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; margin-top: 2rem; padding-top: 1.2rem;
      border-top: 1px solid var(--line); }
    a { color: var(--site); }
    """
}
