// What went wrong lately: URLs that neither site has, and servers that failed.

const missReasons = {
  "both-missed": "neither site has it",
  "double-miss": "just missed by both",
  "soft-miss": "the old server apologised",
};

const misses = makeTable(byId("misses"), {
  label: "Newest misses",
  className: "cards",
  keyOf: (miss) => `${miss.at} ${miss.method} ${miss.url}`,
  empty: "No URL has been missed by both sites. What visitors ask for in vain will appear here: links to mend or redirect.",
  columns: [
    {
      title: "URL", className: "wrap",
      fill(cell, { method, url, referer = null }) {
        showURL(cell, method === "GET" ? url : `${method} ${url}`);
        const small = part(cell, "small", () => element("small", { class: "clamp" }));
        setText(small, referer === null ? "" : `from ${readable(referer)}`);
      },
    },
    { title: "New", label: "new", fill: (cell, { newStatus = "–" }) => setText(cell, String(newStatus)) },
    { title: "Old", label: "old", fill: (cell, { oldStatus = "–" }) => setText(cell, String(oldStatus)) },
    { title: "Why", className: "left wrap", fill: (cell, { reason }) => setText(cell, missReasons[reason] ?? reason) },
    { title: "When", fill: (cell, { at }) => showAgo(cell, at) },
  ],
});

const failures = makeTable(byId("failures"), {
  label: "Newest failures",
  className: "cards",
  keyOf: (failure) => `${failure.at} ${failure.origin} ${failure.event} ${failure.url}`,
  empty: "No failure. A server that can't be reached, or breaks off, will appear here with what to do about it.",
  columns: [
    {
      title: "What", className: "wrap",
      fill(cell, { event, message, cause = "", origin, site, url }) {
        const name = event.replaceAll("-", " ");
        setText(part(cell, "event", () => element("b")), sentence(name).slice(0, -1));
        setText(part(cell, "cause", () => element("small")), readable(cause).replaceAll("%20", " "));
        // "An origin failed" says no more than the name.
        setText(part(cell, "message", () => element("small", { class: "message" })), message.endsWith(name) ? "" : sentence(message));
        const where = part(cell, "where", () => element("small", { class: "clamp" }, element("span"), element("code")));
        setText(where.children[0], [origin && readable(origin), site && siteNames[site]].filter(Boolean).join(", "));
        setText(where.children[1], url ? ` ${readable(url)}` : "");
      },
    },
    { title: "When", fill: (cell, { at }) => showAgo(cell, at) },
  ],
});
