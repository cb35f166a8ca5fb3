// What the page is built with. URLs, server names and messages are hostile until proven otherwise: they become text nodes or
// values of harmless attributes, and no function of this page parses markup.

const byId = (id) => document.getElementById(id);
const drawn = new Set(["svg", "path", "rect", "circle", "line", "text", "g"]);

/** An element with attributes (null and false are left out), listeners (`onclick`) and children (nodes or text). */
function element(name, attributes = {}, ...children) {
  const node = drawn.has(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** Changes a text only when it is another one, so that a selection in it lives on. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setAttribute(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** A part of `parent` that is made once and found again at every update. */
function part(parent, name, make) {
  parent.parts ??= {};
  if (!parent.parts[name]) parent.append((parent.parts[name] = make()));
  return parent.parts[name];
}

/**
 * Makes the rows of `body` those of `items`: what is known by its key stays the same element, and with it focus and
 * selection. Focus in a row that goes moves to the one that takes its place.
 */
function keepRows(body, items, keyOf, make, update) {
  const kept = (body.kept ??= new Map());
  const wanted = new Map();
  for (const item of items) {
    let key = keyOf(item);
    while (wanted.has(key)) key += " again";
    wanted.set(key, item);
  }
  let lostFocusAt = -1;
  for (const [key, row] of kept) {
    if (wanted.has(key)) continue;
    if (row.contains(document.activeElement)) lostFocusAt = [...body.children].indexOf(row);
    row.remove();
    kept.delete(key);
  }
  let next = body.firstElementChild;
  for (const [key, item] of wanted) {
    let row = kept.get(key);
    if (!row) kept.set(key, (row = make(item)));
    if (row === next) next = next.nextElementSibling;
    else body.insertBefore(row, next);
    row.item = item;
    update(row, item);
  }
  if (lostFocusAt < 0) return;
  const heir = body.children[Math.min(lostFocusAt, body.children.length - 1)]?.querySelector("button");
  (heir ?? byId("main")).focus();
}

/**
 * A table that shows lists again and again.
 *
 * A column has a `title`, a `className`, and `fill(cell, item, row)`, which brings a cell up to date; `row.item` is what the
 * row shows now. The first column names the row. On a phone, where a table of `cards` shows a card for each row, the
 * `label` stands before a cell's text.
 */
function makeTable(host, { label, columns, keyOf, empty, className = "" }) {
  const heads = columns.map((column) =>
    element("th", { scope: "col", role: "columnheader", class: column.className },
      column.unseen ? element("span", { class: "unseen" }, column.title) : column.title));
  const body = element("tbody", { role: "rowgroup" });
  const table = element("table", { role: "table", "aria-label": label, class: className },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...heads)), body);
  const nothing = element("p", { class: "empty" }, empty);
  const trouble = element("p", { class: "trouble" });
  host.replaceChildren(trouble, nothing, table);
  trouble.hidden = nothing.hidden = table.hidden = true;

  const make = () =>
    element("tr", { role: "row" }, ...columns.map((column, index) => index === 0
      ? element("th", { scope: "row", role: "rowheader", class: column.className })
      : element("td", { role: "cell", class: column.className, "data-label": column.label })));
  const update = (row, item) =>
    columns.forEach((column, index) => column.fill(row.children[index], item, row));

  return {
    show(items) {
      trouble.hidden = true;
      nothing.hidden = items.length > 0;
      table.hidden = items.length === 0;
      keepRows(body, items, keyOf, make, update);
    },
    /** The list can't be had; the one before stays. */
    fail(error) {
      setText(trouble, sentence(error.message));
      trouble.hidden = false;
    },
  };
}

/** A bar that is as wide as its place for `all`; something is never nothing. The figure stands beside it. */
function showBar(cell, amount, all, className = "") {
  const bar = part(cell, "bar", () =>
    element("svg", { class: "bar", viewBox: "0 0 1000 1", preserveAspectRatio: "none", "aria-hidden": "true" },
      element("rect", { height: 1 })));
  setAttribute(bar, "class", `bar ${className}`);
  const width = all > 0 && amount > 0 ? Math.max(8, Math.round((Math.min(amount, all) / all) * 1000)) : 0;
  setAttribute(bar.firstElementChild, "width", width);
}

/** Tells what has happened, to eyes and to ears. */
function say(text) {
  const told = byId("told");
  byId("say").textContent = told.textContent = text;
  told.hidden = false;
  clearTimeout(told.timer);
  told.timer = setTimeout(() => { told.hidden = true; }, 5000);
}
