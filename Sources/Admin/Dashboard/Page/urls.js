// The known URLs: searched for, most visited, removed and saved.

const cross = () => element("svg", { viewBox: "0 0 10 10", width: 10, height: 10, "aria-hidden": "true" },
  element("path", { d: "M1 1l8 8m0-8-8 8", fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round" }));

/** The column with the button that removes what a row shows. */
function removal(pathOf, isPrefix) {
  return {
    title: "Remove", unseen: true, className: "act",
    fill(cell, item, row) {
      const button = part(cell, "button", () =>
        element("button", { type: "button", class: "icon", title: "Remove…", onclick: () => askToRemove(pathOf(row.item), isPrefix(row.item)) }, cross()));
      setAttribute(button, "aria-label", `Remove ${readable(pathOf(item))}`);
    },
  };
}

function urlTable(host, label, empty) {
  const state = { most: 0, searched: "" };
  const table = makeTable(host, {
    label, empty,
    className: "cards urls",
    keyOf: (entry) => entry.url,
    columns: [
      { title: "URL", className: "wrap", fill: (cell, { url }) => showURL(cell, url, state.searched) },
      { title: "Visits, drawn", unseen: true, className: "measure minor", fill: (cell, { visits }) => showBar(cell, visits, state.most) },
      { title: "Visits", label: "visits", fill: (cell, { visits }) => setText(cell, count(visits)) },
      { title: "Last visit", fill: (cell, { visits, lastVisitAt }) => showAgo(cell, visits > 0 ? lastVisitAt : 0) },
      removal((entry) => entry.url, () => false),
    ],
  });
  return {
    fail: table.fail,
    show(entries, searched = "") {
      state.most = Math.max(0, ...entries.map((entry) => entry.visits));
      state.searched = searched;
      table.show(entries);
    },
  };
}

const topUrls = urlTable(byId("top-urls"), "Most visited old URLs",
  "No old page has been visited since it was learned. The most visited will appear here: what to move first.");

const search = {
  limit: 50,
  table: urlTable(byId("found-urls"), "URLs that were found", ""),
  running: null,
  waiting: null,

  later() {
    clearTimeout(search.waiting);
    search.waiting = setTimeout(search.run, 250);
  },

  async run() {
    clearTimeout(search.waiting);
    search.running?.abort();
    const text = byId("query").value.trim();
    byId("found").hidden = text === "";
    if (text === "") return;
    const { signal } = (search.running = new AbortController());
    setText(byId("found-title"), `URLs with “${readable(text)}”`);
    byId("found-urls").classList.add("busy");
    try {
      const { entries, complete } = await api.get("map/search", { q: text, limit: search.limit }, { signal });
      if (signal.aborted) return;
      search.table.show(entries, text);
      setText(byId("found-words"), search.words(entries.length, complete));
    } catch (error) {
      if (signal.aborted) return;
      search.table.fail(error);
      setText(byId("found-words"), "");
    } finally {
      if (!signal.aborted) byId("found-urls").classList.remove("busy");
    }
  },

  words(number, complete) {
    if (complete) return number === 0 ? "No known URL contains this." : `${counted(number, "URL")}.`;
    if (number === 0) return "Not found in the part of the map that could be looked through in time: be more precise.";
    return `${counted(number, "URL")}, and there may be more: be more precise to see them.`;
  },
};

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  search.run();
});
byId("query").addEventListener("input", search.later);
byId("query").addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.target.value === "") return;
  event.preventDefault();
  event.target.value = "";
  search.run();
});

/** Asks what to remove, with `path` put in, and says how much that would be before it can be done. */
function askToRemove(path = "", isPrefix = false) {
  const kinds = [
    { value: "url", title: "One URL", words: "Its path, with the query that belongs to it." },
    { value: "prefix", title: "All that begins like this", words: "A directory with everything below it." },
  ];
  ask({
    title: "Remove from the map",
    words: ["What is removed is asked of the new site again, and learned again if only the old server has it."],
    choices: isPrefix ? kinds.reverse() : kinds,
    place: {
      label: "URL", value: path,
      look: (text, choice, signal) => (choice === "prefix" ? lookAtPrefix(text, signal) : lookAtURL(text, signal)),
    },
    go: "Remove",
    danger: true,
    async act({ choice, text }) {
      const { removed } = choice === "prefix"
        ? await api.change("DELETE", "map/prefix", text === tree.root ? { prefix: text, all: true } : { prefix: text })
        : await api.change("DELETE", "map/url", { url: text });
      poll.mapHasChanged();
      return removed === 0 ? "It was gone already." : `${counted(removed, "URL")} removed.`;
    },
  });
}

async function lookAtURL(text, signal) {
  if (text === "") return { isReady: false, words: "" };
  const { entry = null } = await api.get("map/url", { url: text }, { signal });
  if (entry === null) return { isReady: false, words: "The map does not know it." };
  return { isReady: true, words: `Known, with ${counted(entry.visits, "visit")}.` };
}

async function lookAtPrefix(text, signal) {
  if (!text.includes("/")) return { isReady: false, words: text === "" ? "" : "It has to have a slash." };
  const { urls, visits, isMore } = await countBelow(text, signal);
  if (urls === 0) return { isReady: false, words: "The map knows nothing that begins like this." };
  return {
    isReady: true,
    words: `${isMore ? "More than " : ""}${counted(urls, "URL")} with ${counted(visits, "visit")}.`,
    sure: isMore ? "Remove them all" : `Remove ${urls === 1 ? "this URL" : `all ${count(urls)}`}`,
    go: isMore ? "Remove all" : `Remove ${counted(urls, "URL")}`,
  };
}

/** A directory is counted to its end, any other beginning as far as one answer goes. */
async function countBelow(prefix, signal) {
  if (prefix.endsWith("/")) return api.get("map/tree", { prefix, limit: 1 }, { signal });
  const { entries, next = null } = await api.get("map", { prefix, limit: 1000 }, { signal });
  return { urls: entries.length, visits: entries.reduce((sum, entry) => sum + entry.visits, 0), isMore: next !== null };
}

byId("export").addEventListener("click", () => ask({
  title: "Export the known URLs?",
  words: ["All of them, in one file."],
  choices: [
    { value: "csv", title: "CSV", words: "For spreadsheets." },
    { value: "json", title: "JSON", words: "For programs." },
    { value: "haproxy", title: "HAProxy", words: "A map that says how to use it." },
    { value: "apache-txt", title: "Apache", words: "The same for RewriteMap." },
    { value: "nginx-map", title: "nginx", words: "The same for map." },
  ],
  go: "Export",
  async act({ choice }) {
    const { name, content } = await api.file("map/export", { format: choice });
    const href = URL.createObjectURL(content);
    element("a", { href, download: name }).click();
    // Let go of at once, it could be gone before the browser has begun to read it.
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
    return `${name} is there.`;
  },
}));
byId("remove").addEventListener("click", () => askToRemove());
byId("snapshot").addEventListener("click", () => ask({
  title: "Save the map now?",
  words: ["It is written beside the file and put in its place; requests are not held up."],
  go: "Save",
  async act() {
    await api.change("POST", "map/snapshot");
    return "The map is being saved.";
  },
}));
