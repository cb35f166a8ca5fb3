/// How the report looks: on paper, on a screen by day and by night, and on a phone.
enum ReportStyle {
  static let sheet: Markup = """
    :root { color-scheme: light dark; --ink: #1c2024; --soft: #5a636b; --paper: #f7f6f3; --card: #fff; --line: #e0ddd6;
      --old: #b65f10; --track: #f1e9df; --area: #f6e3d0; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e9eaeb; --soft: #a2abb3; --paper: #15181b; --card: #1d2125; --line: #33393f;
        --old: #f0a25c; --track: #2d2a27; --area: #45341f; }
    }
    * { box-sizing: border-box; }
    html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
    @media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
    body { margin: 0 auto; max-width: 62rem; padding: 3rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
      font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
      font-variant-numeric: tabular-nums; }
    h1 { margin: .2rem 0 .8rem; font-size: clamp(1.8rem, 5vw, 2.6rem); line-height: 1.12; letter-spacing: -.02em; }
    h2 { margin: 0 0 .3rem; font-size: 1.3rem; line-height: 1.3; letter-spacing: -.01em; }
    p { margin: 0; }
    code { font: .86em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
      overflow-wrap: anywhere; }
    .kicker { color: var(--old); font-size: .8rem; font-weight: 700; letter-spacing: .08em; text-transform: uppercase; }
    .lead { max-width: 44rem; font-size: 1.15rem; }
    .words { max-width: 44rem; margin-bottom: 1rem; color: var(--soft); }

    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: 1px; margin: 2rem 0 1.5rem;
      overflow: hidden; border: 1px solid var(--line); border-radius: .6rem; background: var(--line); }
    .tiles div { display: flex; flex-direction: column; padding: 1rem 1.2rem 1.1rem; background: var(--card); }
    .tiles dd { margin: 0; }
    .tiles .figure { order: -1; font-size: 1.9rem; font-weight: 700; line-height: 1.25; letter-spacing: -.02em; }
    .tiles dt { line-height: 1.35; }
    .tiles .remark { margin-top: .2rem; color: var(--soft); font-size: .85rem; }

    nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; margin: 0; padding: 0; list-style: none; }
    a { color: var(--old); text-underline-offset: .2em; }
    :focus-visible { outline: 2px solid var(--old); outline-offset: 2px; border-radius: .2rem; }
    section, aside { margin-top: 3rem; scroll-margin-top: 1rem; }
    aside { max-width: 44rem; padding-top: 1.5rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .92rem; }
    aside h2 { color: var(--ink); font-size: 1rem; letter-spacing: 0; }
    footer { margin-top: 2rem; color: var(--soft); font-size: .85rem; }

    table, .tree { width: 100%; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); }
    table { border-collapse: separate; border-spacing: 0; }
    th, td { padding: .5rem .6rem; border-top: 1px solid var(--line); text-align: right; vertical-align: baseline;
      white-space: nowrap; font-weight: 400; }
    th:first-child { text-align: left; white-space: normal; }
    th:first-child, td:first-child { padding-left: 1.2rem; }
    th:last-child, td:last-child { padding-right: 1.2rem; }
    thead th, thead td, .head { border-top: 0; color: var(--soft); font-size: .82rem; }
    tbody tr:first-child > * { border-top-color: var(--line); }
    td.wide { width: 22%; }
    td.chart { width: 50%; }
    td .bar { vertical-align: middle; }

    .bar { display: block; width: 100%; height: .6rem; border-radius: .15rem; background: var(--track); fill: var(--old); }
    .quiet .bar { fill: var(--soft); }
    .pair { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1.5rem; align-items: start; }
    .pair table { font-size: .95rem; }
    figure { margin: 0; }
    figcaption { color: var(--soft); font-size: .82rem; text-align: center; }
    .curve { display: block; width: 100%; height: auto; font-size: 12px; fill: var(--soft); }
    .curve .grid { fill: none; stroke: var(--line); }
    .curve .area { fill: var(--area); }
    .curve .line { fill: none; stroke: var(--old); stroke-width: 2; stroke-linejoin: round; }
    .curve circle { fill: var(--old); stroke: var(--paper); stroke-width: 2; }
    .curve .mark { fill: var(--ink); font-weight: 600; }

    .row { display: grid; grid-template-columns: minmax(0, 1fr) 9rem 6.5rem 6.5rem; gap: 0 1rem; align-items: baseline;
      padding: .42rem 1.2rem; border-top: 1px solid var(--line); text-align: right; }
    .row.head { border-top: 0; padding: .5rem 1.2rem; }
    .row > :first-child { text-align: left; }
    .row .bar { align-self: center; }
    .row i { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    .row em { color: var(--soft); font-style: normal; }
    .name { position: relative; padding-left: calc(var(--depth) * 1.1rem + 1.1rem); }
    summary { cursor: pointer; list-style: none; }
    summary::-webkit-details-marker { display: none; }
    summary:hover { background: color-mix(in srgb, var(--track) 45%, transparent); }
    summary > .name::before { content: ""; position: absolute; left: calc(var(--depth) * 1.1rem + .1rem); top: .5em;
      border: .28rem solid transparent; border-left: .42rem solid var(--soft); border-right: 0; }
    details[open] > summary > .name::before { transform: rotate(90deg); }

    @media (max-width: 42rem) {
      body { padding: 1.8rem 1rem 3rem; }
      .pair { grid-template-columns: minmax(0, 1fr); }
      td.wide { display: none; }
      td.chart { width: 34%; }
      th, td { padding: .45rem .35rem; }
      th:first-child, td:first-child { padding-left: .8rem; }
      th:last-child, td:last-child { padding-right: .8rem; }
      table { font-size: .92rem; }
      .row { grid-template-columns: auto minmax(0, 1fr); padding: .5rem .8rem .6rem; gap: .1rem .9rem; text-align: left; }
      .row.head { display: none; }
      .row.head + * > summary, .row.head + .row { border-top: 0; }
      .row > :first-child, .row .bar { grid-column: 1 / -1; }
      .row > span:not(:first-child) { color: var(--soft); font-size: .85rem; }
      .row > .bar + span { padding-left: calc(var(--depth) * 1.1rem + 1.1rem); }
      .row i { position: static; width: auto; height: auto; clip-path: none; font-style: normal; }
      .row .bar { order: 1; height: .3rem; margin-top: .25rem; }
      .tiles { grid-template-columns: 1fr 1fr; }
      .tiles div:last-child:nth-child(odd) { grid-column: 1 / -1; }
      .tiles div { padding: .8rem; }
      .tiles .figure { font-size: 1.4rem; }
    }
    @media print {
      :root { color-scheme: light; --ink: #000; --soft: #444; --paper: #fff; --card: #fff; --line: #bbb;
        --old: #b65f10; --track: #eee; --area: #f6e3d0; }
      body { max-width: none; padding: 0; font-size: 10pt; }
      nav { display: none; }
      section { margin-top: 1.6rem; }
      h2, .words { break-after: avoid; }
      tr, .row, figure, .tiles { break-inside: avoid; }
      thead { display: table-header-group; }
      .bar, .curve, .curve * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
    }
    """
}
