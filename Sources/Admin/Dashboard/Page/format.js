// How figures, times and URLs read.

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const hourAndMinute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

const count = (number) => grouped.format(number);
const counted = (number, noun, plural = `${noun}s`) => `${count(number)} ${number === 1 ? noun : plural}`;
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

/** Requests a second. */
function rate(number) {
  if (number === 0) return "0";
  return number < 10 ? number.toFixed(1) : count(number);
}

/** A share of 1 as a figure without its sign: three digits are enough, and little is not nothing. */
function percent(share) {
  const value = share * 100;
  if (value === 0) return "0";
  if (value < 0.01) return "< 0.01";
  if (value < 1) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : "100";
}
const percentOf = (share) => (share === null ? "–" : `${percent(share)} %`);

/** Seconds as a latency. */
function latency(seconds) {
  const ms = seconds * 1000;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${seconds.toFixed(seconds < 9.95 ? 2 : 1)} s`;
}

/** Seconds as a length of time, in its two largest units. */
function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return s < 10 * 86400 ? `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h` : `${count(s / 86400)} d`;
}

/** What Relevo's clock shows, which may not be the reader's. */
const serverClock = {
  aheadBy: 0,
  set(now) { this.aheadBy = now - Date.now() / 1000; },
  now() { return Date.now() / 1000 + this.aheadBy; },
};

/** How long ago a time was, in one unit. */
function ago(at) {
  if (!at) return "never";
  const s = Math.max(0, serverClock.now() - at);
  if (s < 1.5) return "now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 2 * 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${count(Math.floor(s / 86400))} d ago`;
}

function showAgo(cell, at) {
  const time = part(cell, "time", () => element("time"));
  setText(time, ago(at));
  if (!at) return;
  setAttribute(time, "datetime", new Date(at * 1000).toISOString());
  setAttribute(time, "title", whole.format(at * 1000));
}

/** The time of day; the day as well when it is not today's. */
function moment(at) {
  const isToday = day.format(at * 1000) === day.format(serverClock.now() * 1000);
  return isToday ? clock.format(at * 1000) : `${day.format(at * 1000)} ${hourAndMinute.format(at * 1000)}`;
}

const invisible = /[\u0000-\u0020\u007f-\u00a0\u00ad\u061c\u115f\u1160\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufeff\ufff9-\ufffb]/g;
const longestShown = 300;

/** A URL as it can be read: what would be invisible, or turn the direction of the text, stands percent-encoded. */
function readable(url) {
  const text = url.replace(invisible, encodeURIComponent);
  if (text.length <= longestShown) return text;
  return `${text.slice(0, longestShown - 80)} … ${text.slice(-70)}`;
}

/** Shows a URL in a cell, the part that was searched for marked. */
function showURL(cell, url, searched = "") {
  const text = readable(url);
  const code = part(cell, "url", () => element("code", { class: "clamp", dir: "ltr" }));
  if (code.shown === text && code.searched === searched) return;
  code.shown = text;
  code.searched = searched;
  setAttribute(code, "title", text);
  const at = searched ? text.toLowerCase().indexOf(searched.toLowerCase()) : -1;
  if (at < 0) return code.replaceChildren(text);
  const end = at + searched.length;
  code.replaceChildren(text.slice(0, at), element("mark", {}, text.slice(at, end)), text.slice(end));
}
