// The ways in which a request can be answered.

/** From the top of the chart to its floor. `site` is who answered. */
const routes = [
  { name: "new", site: "new", words: "the new site has it" },
  { name: "always-new", site: "new", words: "by a rule" },
  { name: "held", site: "held", words: "neither site has it" },
  { name: "old-map", site: "old", words: "a known page of the old server" },
  { name: "old-fallback", site: "old", words: "found after the new site's 404" },
  { name: "always-old", site: "old", words: "by a rule" },
  { name: "old-referer", site: "old", words: "part of an old page" },
  { name: "old-standby", site: "old", words: "while the new site can't be reached" },
  { name: "old-redirect", site: "old", words: "sent to the old site's own address" },
  { name: "own", site: "own", words: "Relevo's own answers: errors and refusals" },
];
const routeNamed = new Map(routes.map((route) => [route.name, route]));

/** Requests by route, under the names of `routes`. */
function byRoute(requests) {
  const sums = new Map();
  for (const [name, number] of Object.entries(requests)) {
    const known = routeNamed.get(name)?.name ?? "own";
    sums.set(known, (sums.get(known) ?? 0) + number);
  }
  return sums;
}

/** The share that the old server answered, null when nothing was. */
function oldShare(requests) {
  let [old, all] = [0, 0];
  for (const [name, number] of byRoute(requests)) {
    const { site } = routeNamed.get(name);
    if (site === "own") continue;
    all += number;
    if (site === "old") old += number;
  }
  return all > 0 ? old / all : null;
}
