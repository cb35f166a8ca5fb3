// The number that a migration is steered by, and the figures beside it.

/** Definitions whose terms stay and whose figures change. */
function showFacts(list, facts) {
  keepRows(list, facts, (fact) => fact.term,
    (fact) => element("div", {}, element("dt", {}, fact.term), element("dd", { class: "figure" }), element("dd", { class: "remark" })),
    (row, fact) => {
      setText(row.children[1], fact.figure);
      setText(row.children[2], fact.remark ?? "");
      setAttribute(row.children[2], "class", fact.isBad ? "remark bad" : "remark");
    });
}

const headline = {
  day: [],
  chart: new Chart(byId("share-chart"), {
    label: "Share of the old server over the last 24 hours",
    reading: byId("share-reading"),
    tick: (share) => `${Number((share * 100).toFixed(1))} %`,
    read: (index) => headline.read(index),
  }),

  showShare({ oldShare, routes: shown }) {
    const share = { now: null, lastHour: null, last24Hours: null, ...oldShare };
    const steered = share.lastHour ?? share.last24Hours;
    const number = byId("share");
    if (steered === null) {
      number.replaceChildren("–");
    } else {
      setText(part(number, "value", () => { number.replaceChildren(); return element("span"); }), percent(steered));
      part(number, "unit", () => element("small", {}, " %"));
    }
    setText(byId("share-words"), headline.words(share, steered));
    const rates = byRoute(Object.fromEntries(shown.map(({ route, rate: now }) => [route, now])));
    const old = routes.filter((route) => route.site === "old").reduce((sum, route) => sum + (rates.get(route.name) ?? 0), 0);
    showFacts(byId("share-more"), steered === null ? [] : [
      { term: "Now", figure: percentOf(share.now) },
      { term: "24 hours", figure: percentOf(share.last24Hours) },
      { term: "Old, per second", figure: rate(old) },
    ]);
    document.title = steered === null ? "Relevo" : `${percent(steered)} % old · Relevo`;
  },

  words(share, steered) {
    if (steered === null) {
      return "No request yet. Once visitors come through Relevo, this is the share of them that the old server had to answer.";
    }
    if (share.last24Hours === 0) {
      return `Nobody needed the old server ${tiles.status?.uptime < 86400 ? "since Relevo was started" : "in the last 24 hours"}.`;
    }
    if (share.lastHour === null) return "of the answers of the last 24 hours; there was none in the last hour.";
    return "of the answers of the last hour came from the old server.";
  },

  /** `samples` of a day, of which as many are put together as a chart has room for. */
  showDay({ samples, step }) {
    const first = samples[0]?.at ?? 0;
    const length = (samples.at(-1)?.at ?? 0) - first;
    const bucket = length > 6 * 3600 ? 600 : length > 2 * 3600 ? 300 : step;
    const buckets = new Map();
    for (const { at, requests } of samples) {
      const start = Math.floor(at / bucket) * bucket;
      const sums = buckets.get(start) ?? {};
      for (const [name, number] of Object.entries(requests)) sums[name] = (sums[name] ?? 0) + number;
      buckets.set(start, sums);
    }
    headline.day = [...buckets].map(([at, requests]) => ({ at, share: oldShare(requests), requests }));
    const values = headline.day.map((point) => point.share);
    headline.chart.draw({
      times: headline.day.map((point) => point.at),
      layers: [{ className: "area", values }],
      top: Math.min(1, roundTop(Math.max(0, ...values), 0.01)),
      line: true,
      nothing: "The first minutes will show here",
    });
  },

  read(index) {
    const { at, share, requests } = headline.day[index];
    const all = [...byRoute(requests).values()].reduce((sum, number) => sum + number, 0);
    return `${moment(at)}: ${share === null ? "no request" : `${percentOf(share)} of ${counted(all, "request")}`}`;
  },
};

const tiles = {
  /** `news` is a status, or the traffic of an hour; both are needed. */
  show(news) {
    Object.assign(tiles, news);
    const { status, hour: traffic } = tiles;
    if (!status || !traffic) return;
    const rates = traffic.routes.reduce((sum, route) => sum + route.rate, 0);
    const hour = traffic.samples.reduce((sum, { requests }) => sum + Object.values(requests).reduce((a, b) => a + b, 0), 0);
    const of = (name) => traffic.routes.find(({ route }) => route === name)?.latency?.p95;
    const [fresh, old] = [of("new"), of("old-map") ?? of("old-fallback")];
    showFacts(byId("tiles"), [
      { term: "requests a second", figure: rate(rates), remark: `${count(hour)} in the last hour` },
      {
        term: "95 % of the new site's answers", figure: fresh === undefined ? "–" : `≤ ${latency(fresh)}`,
        remark: old === undefined ? "no page of the old server yet" : `old pages ≤ ${latency(old)}`,
      },
      tiles.known(status.map),
      tiles.saved(status.map),
      {
        term: "running", figure: span(status.uptime),
        remark: `${counted(status.workers, "worker")}, since ${day.format(status.startedAt * 1000)} ${hourAndMinute.format(status.startedAt * 1000)}`,
      },
    ]);
  },

  known({ urls, limit, state }) {
    const term = "old pages known";
    if (state === "loading") return { term, figure: count(urls), remark: "the map is still being loaded" };
    if (state === "unusable") return { term, figure: count(urls), remark: "the map file can't be used: see the log", isBad: true };
    const share = limit > 0 ? ` (${percentOf(urls / limit)})` : "";
    return { term, figure: count(urls), remark: limit > 0 ? `of at most ${count(limit)}${share}` : "" };
  },

  saved({ file = null, lastSnapshot: last = null, snapshotFailures: failures = 0, journalled = 0 }) {
    const term = "map saved";
    if (file === null) return { term, figure: "Not kept", remark: "--map-file would keep it over a restart" };
    const figure = last === null ? "Not yet" : ago(last.at);
    if (failures > 0) return { term, figure, remark: `${counted(failures, "attempt")} failed: see the log`, isBad: true };
    return { term, figure, remark: journalled > 0 ? `${counted(journalled, "change")} in the journal` : "nothing has changed since" };
  },
};

/** What stands in the page's head. */
function showReadiness({ ready, notReady, draining, version }) {
  const state = byId("ready");
  setText(byId("version"), version);
  setAttribute(state, "data-state", draining ? "care" : ready ? "good" : "bad");
  setText(state, draining ? "Draining" : ready ? "Ready" : "Not ready");
  showBanner(ready || draining ? "" : `Not ready: ${notReady.join("; ")}.`);
}

function showSettings({ settings, map }) {
  const all = [...Object.entries(settings), ["map key", map.key]].map(([name, value]) => ({ name, value }));
  settingsTable.show(all);
}
const settingsTable = makeTable(byId("settings"), {
  label: "Settings",
  keyOf: (setting) => setting.name,
  empty: "No flag is known.",
  columns: [
    { title: "Flag", fill: (cell, { name }) => showURL(cell, name) },
    { title: "Value", className: "left wrap", fill: (cell, { value }) => showURL(cell, value ?? "none") },
  ],
});
