// Charts of layers over time, in SVG that takes its colours from the style sheet. A reading line follows the pointer, a
// finger, or the arrow keys.

const margin = { left: 40, right: 12, top: 10, bottom: 22 };
const stepsOfTime = [60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200];

class Chart {
  /**
   * - `label`: what the chart is called where it can't be seen
   * - `reading`: the element that shows what stands under the reading line
   * - `tick(value)`: the words at the upright axis
   * - `read(index)`: the words for one point in time
   */
  constructor(host, { label, reading, tick, read }) {
    Object.assign(this, { host, reading, tick, read });
    Object.assign(this, { times: [], layers: [], nothing: "Waiting for the first figures" });
    this.cursor = null;
    this.svg = element("svg", { "aria-hidden": "true" });
    host.append(this.svg);
    for (const [name, value] of [["role", "slider"], ["tabindex", 0], ["aria-label", label], ["aria-valuemin", 0]]) {
      host.setAttribute(name, value);
    }
    new ResizeObserver(() => this.render()).observe(host);
    host.addEventListener("pointermove", (event) => this.point(this.nearest(event.clientX)));
    host.addEventListener("pointerleave", () => { if (document.activeElement !== host) this.point(null); });
    host.addEventListener("blur", () => this.point(null));
    host.addEventListener("focus", () => this.announce());
    host.addEventListener("keydown", (event) => this.key(event));
  }

  /**
   * Shows `layers` (`{className, values}`, the lowest first; a null is a gap) at `times`, up to `top`. A `line` is drawn
   * as one, for a single layer.
   */
  draw({ times, layers, top, line = false, nothing = "" }) {
    const followed = this.cursor === null ? null : this.times[this.cursor];
    Object.assign(this, { times, layers, top, line, nothing });
    if (followed !== null) {
      const index = times.indexOf(followed);
      this.cursor = index < 0 ? null : index;
    }
    this.render();
    setAttribute(this.host, "aria-valuemax", Math.max(0, times.length - 1));
    if (!this.host.hasAttribute("aria-valuetext")) this.announce();
  }

  x(time) {
    const [first, last] = [this.times[0], this.times.at(-1)];
    return margin.left + ((time - first) / Math.max(1, last - first)) * (this.width - margin.left - margin.right);
  }

  y(value) {
    return this.height - margin.bottom - (value / this.top) * (this.height - margin.top - margin.bottom);
  }

  render() {
    this.width = this.host.clientWidth;
    this.height = this.host.clientHeight;
    if (!this.width) return;
    setAttribute(this.svg, "viewBox", `0 0 ${this.width} ${this.height}`);
    const middle = { x: (margin.left + this.width - margin.right) / 2, "text-anchor": "middle" };
    if (this.times.length < 2) {
      this.svg.replaceChildren(
        element("path", { class: "grid", d: `M${margin.left} ${this.height - margin.bottom}H${this.width - margin.right}` }),
        element("text", { class: "none", y: this.height / 2, ...middle }, this.nothing));
      this.mark = null;
      return;
    }
    this.mark = element("g", {});
    this.svg.replaceChildren(...this.gridLines(), ...this.shapes(), ...this.timeTicks(), this.mark);
    this.showCursor();
  }

  gridLines() {
    return [0, 0.5, 1].flatMap((part) => {
      const y = this.y(this.top * part);
      return [
        element("path", { class: "grid", d: `M${margin.left} ${y}H${this.width - margin.right}` }),
        element("text", { x: margin.left - 6, y: y + 4, "text-anchor": "end" }, this.tick(this.top * part)),
      ];
    });
  }

  timeTicks() {
    const [first, last] = [this.times[0], this.times.at(-1)];
    const most = Math.max(2, (this.width - margin.left) / 90);
    const step = stepsOfTime.find((seconds) => (last - first) / seconds <= most) ?? 86400;
    const zone = new Date(last * 1000).getTimezoneOffset() * 60;
    const ticks = [];
    for (let at = Math.ceil((first - zone) / step) * step + zone; at <= last; at += step) {
      const x = this.x(at);
      const anchor = x > this.width - margin.right - 14 ? "end" : "middle";
      ticks.push(element("text", { x, y: this.height - 6, "text-anchor": anchor }, hourAndMinute.format(at * 1000)));
    }
    return ticks;
  }

  shapes() {
    const floor = this.times.map(() => 0);
    const shapes = [];
    for (const { className, values } of this.layers) {
      for (const [from, to] of this.stretches(values)) {
        const points = (height) => Array.from({ length: to - from }, (_, offset) => {
          const index = from + offset;
          return `${this.x(this.times[index]).toFixed(1)} ${this.y(height(index)).toFixed(1)}`;
        });
        const roof = points((index) => Math.min(this.top, floor[index] + values[index]));
        const below = points((index) => Math.min(this.top, floor[index])).reverse();
        shapes.push(element("path", { class: `layer ${className}`, d: `M${roof.join("L")}L${below.join("L")}Z` }));
        if (this.line) shapes.push(element("path", { class: "stroke", d: `M${roof.join("L")}` }));
      }
      values.forEach((value, index) => { floor[index] += value ?? 0; });
    }
    if (!this.line) {
      const total = this.times.map((at, index) => `${this.x(at).toFixed(1)} ${this.y(Math.min(this.top, floor[index])).toFixed(1)}`);
      shapes.push(element("path", { class: "total", d: `M${total.join("L")}` }));
    }
    const last = this.layers[0]?.values.at(-1) ?? null;
    if (this.line && last !== null) {
      shapes.push(element("circle", { class: "last", r: 4.5, cx: this.x(this.times.at(-1)), cy: this.y(Math.min(this.top, last)) }));
    }
    return shapes;
  }

  /** Where the values are, from gap to gap. */
  stretches(values) {
    const stretches = [];
    let from = null;
    for (let index = 0; index <= values.length; index += 1) {
      const isThere = index < values.length && values[index] !== null;
      if (isThere && from === null) from = index;
      if (!isThere && from !== null) {
        stretches.push([from, index]);
        from = null;
      }
    }
    return stretches;
  }

  nearest(clientX) {
    if (this.times.length < 2) return null;
    const x = clientX - this.host.getBoundingClientRect().left;
    const share = (x - margin.left) / (this.width - margin.left - margin.right);
    const time = this.times[0] + share * (this.times.at(-1) - this.times[0]);
    let best = 0;
    this.times.forEach((at, index) => {
      if (Math.abs(at - time) < Math.abs(this.times[best] - time)) best = index;
    });
    return best;
  }

  point(index) {
    this.cursor = index;
    this.showCursor();
  }

  showCursor() {
    if (this.cursor !== null && this.cursor >= this.times.length) this.cursor = null;
    setText(this.reading, this.cursor === null ? "" : this.read(this.cursor));
    if (!this.mark) return;
    if (this.cursor === null) return this.mark.replaceChildren();
    const x = this.x(this.times[this.cursor]);
    this.mark.replaceChildren(
      element("path", { class: "cursor", d: `M${x} ${margin.top}V${this.height - margin.bottom}` }));
  }

  /** For those who hear the chart: only what they asked for, not every new figure. */
  announce() {
    const index = this.cursor ?? this.times.length - 1;
    setAttribute(this.host, "aria-valuenow", Math.max(0, index));
    setAttribute(this.host, "aria-valuetext", index < 0 || this.times.length < 2 ? this.nothing : this.read(index));
  }

  key(event) {
    const last = this.times.length - 1;
    if (last < 1) return;
    const from = this.cursor ?? last;
    const many = Math.max(1, Math.round(last / 12));
    const to = {
      ArrowLeft: from - 1, ArrowRight: from + 1, ArrowDown: from - 1, ArrowUp: from + 1,
      PageDown: from - many, PageUp: from + many, Home: 0, End: last,
    }[event.key];
    if (to === undefined) {
      if (event.key === "Escape") this.point(null);
      return;
    }
    event.preventDefault();
    this.point(Math.min(last, Math.max(0, to)));
    this.announce();
  }
}

/** The least round figure that holds `value`. */
function roundTop(value, least) {
  const unit = 10 ** Math.floor(Math.log10(Math.max(value, least)));
  return [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].map((step) => step * unit).find((top) => top >= Math.max(value, least)) ?? 10 * unit;
}
