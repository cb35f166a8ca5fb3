// Requests a second and latencies, by route.

const traffic = {
  range: "hour",
  hour: null,
  day: null,
  /** What this page has seen since it was opened: a point for each time it asked. */
  live: [],
  longestLive: 150,
  points: [],

  chart: new Chart(byId("rate-chart"), {
    label: "Requests a second by route",
    reading: byId("rate-reading"),
    tick: rate,
    read: (index) => traffic.read(index),
  }),

  table: makeTable(byId("routes"), {
    label: "Routes",
    className: "cards",
    keyOf: (route) => route.name,
    empty: "No request yet: each way in which one is answered will have its line here.",
    columns: [
      {
        title: "Route",
        fill(cell, { name, words }) {
          const key = part(cell, "key", () => element("span", { class: "key" }));
          part(key, "swatch", () => element("svg", { class: "swatch", "aria-hidden": "true" },
            element("rect", { class: `r-${name}`, width: 40, height: 40 })));
          const text = part(key, "text", () => element("span", {}, element("b", {}), element("small", { class: "wrap" })));
          setText(text.children[0], name);
          setText(text.children[1], words);
        },
      },
      { title: "Per second", label: "per second", fill: (cell, route) => setText(cell, rate(route.rate)) },
      {
        title: "Share", className: "measure minor",
        fill: (cell, route) => showBar(cell, route.rate, traffic.total, route.site === "old" ? "" : route.site === "held" ? "held" : "new"),
      },
      ...["p50", "p95", "p99"].map((name) => ({
        title: name, label: name, fill: (cell, route) => setText(cell, route.latency ? latency(route.latency[name]) : "–"),
      })),
      { title: "Since the start", className: "minor rare", fill: (cell, route) => setText(cell, count(route.requests)) },
    ],
  }),

  showHour(answer) {
    traffic.hour = answer;
    const known = answer.routes.map((figures) => ({ ...figures, ...(routeNamed.get(figures.route) ?? routeNamed.get("own")) }));
    const place = (route) => routes.findIndex(({ name }) => name === route.name);
    traffic.total = known.reduce((sum, route) => sum + route.rate, 0);
    traffic.table.show(known.filter((route) => route.requests > 0).sort((a, b) => place(a) - place(b)));
    const rates = Object.fromEntries(known.map(({ name, rate: now }) => [name, now]));
    traffic.live.push({ at: serverClock.now(), rates });
    if (traffic.live.length > traffic.longestLive) traffic.live.shift();
    traffic.draw();
  },

  showDay(answer) {
    traffic.day = answer;
    if (traffic.range === "day") traffic.draw();
  },

  draw() {
    traffic.points = { live: () => traffic.live, hour: () => traffic.ratesOf(traffic.hour, 1), day: () => traffic.ratesOf(traffic.day, 10) }[traffic.range]();
    const sums = traffic.points.map(({ rates }) => Object.values(rates).reduce((a, b) => a + b, 0));
    const seen = routes.filter(({ name }) => traffic.points.some(({ rates }) => rates[name] > 0));
    traffic.chart.draw({
      times: traffic.points.map((point) => point.at),
      layers: seen.reverse().map(({ name }) => ({
        className: `r-${name}`, values: traffic.points.map(({ rates }) => rates[name] ?? 0),
      })),
      top: roundTop(Math.max(0, ...sums), 1),
      nothing: traffic.range === "live" ? "Watching: the line begins in a moment" : "The first minutes will show here",
    });
  },

  /** Requests a second of each `minutes` minutes. The running minute is not over: the rate of now stands for it. */
  ratesOf(answer, minutes) {
    if (!answer) return [];
    const now = traffic.live.at(-1);
    const points = [];
    for (const { at, requests } of answer.samples.slice(0, -1)) {
      const start = Math.floor(at / (minutes * answer.step)) * minutes * answer.step;
      let point = points.at(-1);
      if (point?.at !== start) points.push((point = { at: start, rates: {}, seconds: 0 }));
      point.seconds += answer.step;
      for (const [name, number] of byRoute(requests)) point.rates[name] = (point.rates[name] ?? 0) + number;
    }
    for (const { rates, seconds } of points) for (const name of Object.keys(rates)) rates[name] /= seconds;
    if (now && points.length > 0) points.push({ at: Math.max(points.at(-1).at + 1, Math.floor(now.at)), rates: now.rates });
    return points;
  },

  read(index) {
    const { at, rates } = traffic.points[index];
    const parts = routes.filter(({ name }) => rates[name] > 0).map(({ name }) => `${name} ${rate(rates[name])}`);
    return `${moment(at)}: ${parts.join(", ") || "no request"}`;
  },
};

byId("range").addEventListener("change", (event) => {
  traffic.range = event.target.value;
  traffic.draw();
});
