// The map as a tree of directories, loaded as it is opened.

const tree = {
  /** How many of a directory are shown, and how many rows there may be in all. */
  breadth: 50,
  most: 1000,
  /** Directories by path, as the API gave them; those that are open. */
  known: new Map(),
  isOpen: new Set(),
  opening: new Set(),
  /** Keys begin with a path, or with a host. */
  root: "/",

  table: makeTable(byId("tree"), {
    label: "Directories of the map",
    className: "cards tree",
    keyOf: (row) => row.key,
    empty: "Nothing learned yet: the first old page a visitor finds will appear here. To know them before, import a sitemap or the old server's access log: relevo map import.",
    columns: [
      { title: "Directory", className: "wrap", fill: (cell, item, row) => tree.fillName(cell, item, row) },
      { title: "URLs, drawn", unseen: true, className: "measure minor", fill: (cell, { urls }) => showBar(cell, urls, tree.known.get(tree.root).urls) },
      { title: "URLs", label: "URLs", fill: (cell, { urls }) => setText(cell, count(urls)) },
      { title: "Visits", label: "visits", fill: (cell, { visits }) => setText(cell, count(visits)) },
      {
        title: "Last visit",
        fill: (cell, item) => item.kind === "rest" ? setText(cell, "") : showAgo(cell, item.visits > 0 ? item.lastVisitAt : 0),
      },
      {
        ...removal((item) => item.path, (item) => item.isDirectory),
        fill(cell, item, row) {
          if (item.kind !== "rest") this.button(cell, item, row);
        },
        button: removal((item) => item.path, (item) => item.isDirectory).fill,
      },
    ],
  }),

  fillName(cell, item, row) {
    const deep = part(cell, "deep", () => element("span", { class: "deep" }));
    deep.style.setProperty("--depth", item.depth);
    if (item.kind === "rest") return setText(part(deep, "rest", () => element("span", { class: "leaf soft" })), item.name);
    if (!item.isDirectory) return showURL(part(deep, "leaf", () => element("span", { class: "leaf" })), item.name);
    const button = part(deep, "button", () => element("button", {
      type: "button", class: "open",
      onclick: () => tree.toggle(row.item.path),
      onkeydown: (event) => tree.key(event, row),
    }));
    showURL(button, item.name);
    setAttribute(button, "aria-expanded", String(tree.isOpen.has(item.path)));
    setAttribute(button, "aria-label", readable(item.path));
    button.classList.toggle("busy", tree.opening.has(item.path));
  },

  /** What is open, row by row. */
  rows() {
    const rows = [];
    const add = (path, depth) => {
      const directory = tree.known.get(path);
      if (!directory) return;
      for (const child of directory.children) {
        rows.push({ ...child, depth, kind: "child", key: `${depth} ${child.path}` });
        if (child.isDirectory && tree.isOpen.has(child.path)) add(child.path, depth + 1);
      }
      if (directory.others) {
        const name = `… ${counted(directory.others.children, "more", "more")}`;
        rows.push({ ...directory.others, name, path, depth, kind: "rest", key: `${depth} ${path} rest` });
      }
    };
    add(tree.root, 0);
    return rows;
  },

  show: () => tree.table.show(tree.rows()),

  async load(path) {
    tree.known.set(path, await api.get("map/tree", { prefix: path, limit: tree.breadth }));
  },

  async reload() {
    await Promise.all([tree.root, ...tree.isOpen].map((path) => tree.load(path)));
    tree.show();
  },

  async toggle(path) {
    if (tree.isOpen.delete(path)) {
      for (const below of tree.isOpen) if (below.startsWith(path)) tree.isOpen.delete(below);
      return tree.show();
    }
    if (tree.opening.has(path)) return;
    if (tree.rows().length + tree.breadth > tree.most) return say("Many directories are open: close one first.");
    tree.opening.add(path);
    tree.show();
    try {
      await tree.load(path);
      tree.isOpen.add(path);
    } catch (error) {
      say(sentence(error.message));
    } finally {
      tree.opening.delete(path);
    }
    tree.show();
  },

  /** The arrow keys go through the directories; right opens, left closes. */
  key(event, row) {
    const isOpen = tree.isOpen.has(row.item.path);
    const buttons = [...byId("tree").querySelectorAll("button.open")];
    const at = buttons.indexOf(event.currentTarget);
    if (event.key === "ArrowDown") buttons[at + 1]?.focus();
    else if (event.key === "ArrowUp") buttons[at - 1]?.focus();
    else if (event.key === "ArrowRight" && !isOpen) tree.toggle(row.item.path);
    else if (event.key === "ArrowRight") buttons[at + 1]?.focus();
    else if (event.key === "ArrowLeft" && isOpen) tree.toggle(row.item.path);
    else if (event.key === "ArrowLeft") tree.parent(buttons, at, row)?.focus();
    else return;
    event.preventDefault();
  },

  parent(buttons, at, row) {
    return buttons.slice(0, at).findLast((button) => button.closest("tr").item.depth < row.item.depth);
  },
};
