// The servers of both sites, and what the operator wants of them.

/** The words for a state, and how it looks. */
const originStates = {
  up: ["Up", "good"],
  down: ["Down", "bad"],
  paused: ["Paused", "bad"],
  "slow-start": ["Slow start", "care"],
  draining: ["Draining", "care"],
  off: ["Off", "off"],
  leaving: ["Leaving", "off"],
};
const siteNames = { new: "new site", old: "old server" };

const servers = {
  sites: [],
  list: [],

  table: makeTable(byId("origins"), {
    label: "Servers",
    className: "cards",
    keyOf: (origin) => origin.id,
    empty: "No server is set: give --new and --old.",
    columns: [
      {
        title: "Server",
        fill(cell, { id, authority, address, site }) {
          showURL(cell, authority);
          const small = part(cell, "small", () => element("small", {}, element("span", {}), " ", element("span", {})));
          setAttribute(small.children[0], "class", `badge ${site}`);
          setText(small.children[0], site);
          // The log, the metrics and the API name a server by its id.
          setText(small.children[1], authority.includes(address) ? readable(id) : `${readable(id)} · ${readable(address)}`);
        },
      },
      {
        title: "State", className: "left wrap full",
        fill(cell, { state, since, check, checkMessage }) {
          const [words, look] = originStates[state] ?? [state, "off"];
          const shown = part(cell, "state", () => element("span", { class: "state" }));
          setAttribute(shown, "data-state", look);
          setText(shown, words);
          const small = part(cell, "small", () => element("small"));
          const lasts = since > 0 ? `for ${span(serverClock.now() - since)}` : "";
          const checked = checkMessage ? `check: ${readable(checkMessage).replaceAll("%20", " ")}` : check === "unchecked" ? "" : `check: ${check}`;
          setText(small, [lasts, checked].filter(Boolean).join(" · "));
        },
      },
      {
        title: "Weight", label: "weight", className: "minor", fill: (cell, { weight }) => setText(cell, count(weight)),
      },
      {
        title: "In flight", label: "in flight",
        fill(cell, { inFlight, max = null }) {
          setText(part(cell, "figure", () => element("span")), max === null ? count(inFlight) : `${count(inFlight)} of ${count(max)}`);
          const bar = part(cell, "bar-place", () => element("div", { class: "minor" }));
          bar.hidden = max === null;
          if (max !== null) showBar(bar, inFlight, max, inFlight >= max ? "" : "new");
        },
      },
      { title: "Requests", label: "requests", className: "minor", fill: (cell, { requests }) => setText(cell, count(requests)) },
      { title: "Failures", label: "failures", fill: (cell, { failures }) => setText(cell, count(failures)) },
      ...["p50", "p95", "p99"].map((name) => ({
        title: name, label: name, className: name === "p95" ? "" : "minor",
        fill: (cell, origin) => setText(cell, origin.latency ? latency(origin.latency[name]) : "–"),
      })),
      {
        title: "Change", unseen: true, className: "act",
        fill(cell, origin, row) {
          const button = part(cell, "button", () => element("button", { type: "button", onclick: () => servers.ask(row.item) }));
          setText(button, origin.mode === "ready" ? "Drain…" : "Enable…");
          setAttribute(button, "aria-label", `${origin.mode === "ready" ? "Drain" : "Enable"} ${readable(origin.authority)}`);
        },
      },
    ],
  }),

  show({ sites, origins }) {
    servers.sites = sites;
    servers.list = origins;
    servers.table.show([...origins].sort((a, b) => (a.site === "old") - (b.site === "old")));
    const words = sites.map(({ site, queued }) => {
      const all = origins.filter((origin) => origin.site === site);
      const serving = all.filter(servers.isServing).length;
      const waiting = queued > 0 ? `, ${counted(queued, "request")} queued` : "";
      return `${siteNames[site]}: ${count(serving)} of ${count(all.length)} serving${waiting}`;
    });
    setText(byId("servers-words"), words.join(" · "));
  },

  isServing: ({ mode, state }) => mode === "ready" && (state === "up" || state === "slow-start"),

  ask(origin) {
    const name = readable(origin.authority);
    const act = async ({ choice }) => {
      const mode = choice ?? "ready";
      const changed = await api.change("PATCH", `origins/${encodeURIComponent(origin.id)}`, {}, { mode });
      servers.show({ sites: servers.sites, origins: servers.list.map((other) => (other.id === changed.id ? changed : other)) });
      return { ready: `${name} takes requests again.`, drain: `${name} is draining.`, off: `${name} is off.` }[mode];
    };
    if (origin.mode !== "ready") {
      return ask({ title: `Enable ${name}?`, words: ["It takes its share of the requests again, at once."], go: "Enable", act });
    }
    const others = servers.list.filter((other) => other.site === origin.site && other.id !== origin.id && servers.isServing(other));
    const consequence = origin.site === "new"
      ? "Visitors will get errors until one is enabled."
      : "Pages that only the old server has will be missing until it is enabled.";
    ask({
      title: `Drain ${name}?`,
      words: [
        "Requests that are under way end as usual.",
        others.length > 0
          ? `${counted(others.length, "other server")} of the ${origin.site} site ${others.length === 1 ? "carries" : "carry"} on.`
          : `No other server of the ${origin.site} site is serving. ${consequence}`,
      ],
      choices: [
        { value: "drain", title: "Drain", words: "No new visitors; those with a session here may finish it." },
        { value: "off", title: "Off", words: "No new request at all, sessions or not." },
      ],
      sure: others.length > 0 ? null : "Do it all the same",
      go: "Drain",
      danger: others.length === 0,
      act,
    });
  },
};
