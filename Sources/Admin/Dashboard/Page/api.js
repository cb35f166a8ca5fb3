// The admin API, as this page asks it.

/** Relevo answered, and said no. */
class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** No answer came. */
class Gone extends Error {}

const tokenKey = "relevo-admin-token";
const api = {
  get: (path, query, options) => api.call("GET", path, { query, ...options }),
  change: (method, path, query, body) => api.call(method, path, { query, body }),
  /** A file to keep: its name and what is in it. As long as it takes: there may be a slow line between. */
  file: (path, query) => api.call("GET", path, { query, read: api.content, patienceMs: 3_600_000 }),

  // Millions of URLs take their time to be looked through, or removed.
  async call(method, path, { query = {}, body, signal, read = api.parsed, patienceMs = path.startsWith("map") ? 120_000 : 10_000 } = {}) {
    // URLSearchParams takes any text; encodeURIComponent throws at half a surrogate pair.
    const search = new URLSearchParams(query).toString();
    const target = `/api/v1/${path}${search ? `?${search}` : ""}`;
    for (;;) {
      const token = sessionStorage.getItem(tokenKey);
      const headers = {};
      if (token) headers.Authorization = `Bearer ${token}`;
      if (method !== "GET") headers["X-Relevo-Admin"] = "1";
      if (body) headers["Content-Type"] = "application/json";
      const answer = await api.fetch(target, {
        method, headers, body: body && JSON.stringify(body), cache: "no-store",
        signal: AbortSignal.any([AbortSignal.timeout(patienceMs), ...(signal ? [signal] : [])]),
      });
      if (answer.ok) return read(answer);
      const refusal = new Refused(answer.status, await api.reason(answer));
      const wantsToken = answer.status === 401 && /^bearer\b/i.test(answer.headers.get("WWW-Authenticate") ?? "");
      if (!wantsToken) throw refusal;
      // Another call may have been given the token in the meantime.
      if (sessionStorage.getItem(tokenKey) === token && !(await askForToken(token !== null))) throw refusal;
    }
  },

  async fetch(target, options) {
    try {
      return await fetch(target, options);
    } catch (error) {
      throw api.failure(error);
    }
  },

  parsed: (answer) => api.read(answer, "json"),

  async read(answer, kind) {
    try {
      return await answer[kind]();
    } catch (error) {
      throw api.failure(error);
    }
  },

  async content(answer) {
    const [, name] = /filename="(.+)"/.exec(answer.headers.get("Content-Disposition"));
    return { name, content: await api.read(answer, "blob") };
  },

  failure(error) {
    if (error.name === "AbortError") return error;
    return new Gone(error.name === "TimeoutError" ? "the answer took too long" : "Relevo does not answer", { cause: error });
  },

  async reason(answer) {
    try {
      const { error } = await answer.json();
      if (typeof error === "string") return error;
    } catch { /* No JSON: the status says what there is to say. */ }
    return `Relevo answered ${answer.status}`;
  },
};

let asking = null;

/** Asks for the token once, however many calls need it. False when the reader would rather not say. */
function askForToken(wasRefused) {
  asking ??= new Promise((resolve) => {
    const dialog = byId("token");
    const input = byId("token-input");
    input.value = "";
    setText(byId("token-error"), wasRefused ? "This token was not accepted." : "");
    sessionStorage.removeItem(tokenKey);
    const end = new AbortController();
    dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      const token = input.value.trim();
      if (!token) return input.focus();
      sessionStorage.setItem(tokenKey, token);
      dialog.close();
    }, { signal: end.signal });
    byId("token-cancel").addEventListener("click", () => dialog.close(), { signal: end.signal });
    dialog.addEventListener("close", () => {
      end.abort();
      input.value = "";
      asking = null;
      const isGiven = sessionStorage.getItem(tokenKey) !== null;
      byId("forget-token").hidden = !isGiven;
      resolve(isGiven);
    }, { signal: end.signal });
    dialog.showModal();
  });
  return asking;
}
