// Asks Relevo again and again, while someone looks.

const pauseMs = 2000;

const poll = {
  /** `waiting` for the first answer, `there`, `gone`, or `shut`: it wants to know who asks. */
  state: "waiting",
  answeredAt: null,
  isRunning: false,
  timer: null,

  /** What is asked for how often, in seconds, what shows it, and where a refusal is told. The first says who is there. */
  jobs: [
    { every: 2, path: "status", show: showStatus, tell: (error) => showBanner(sentence(error.message)) },
    { every: 2, path: "traffic", query: { hours: 1 }, show: showHour, tell: traffic.table.fail },
    { every: 2, path: "origins", show: servers.show, tell: servers.table.fail },
    { every: 60, path: "traffic", query: { hours: 24 }, show: showDay, tell: traffic.table.fail },
    { every: 8, path: "misses", query: { limit: 12 }, show: ({ events }) => misses.show(events), tell: misses.fail },
    { every: 8, path: "failures", query: { limit: 8 }, show: ({ events }) => failures.show(events), tell: failures.fail },
    { every: 30, path: "map/top", query: { limit: 20 }, show: ({ entries }) => topUrls.show(entries), tell: topUrls.fail },
    { every: 30, run: () => tree.reload(), tell: tree.table.fail },
  ],

  async run() {
    clearTimeout(poll.timer);
    if (poll.isRunning || poll.state === "shut" || document.hidden) return;
    poll.isRunning = true;
    const stateBefore = poll.state;
    // While nobody answers, or before someone has, one question is enough.
    const asked = poll.state === "there" ? poll.jobs : poll.jobs.slice(0, 1);
    const now = Date.now();
    const runs = asked.filter((job) => (job.due ?? 0) <= now && !job.isRunning).map(poll.runJob);
    // What takes longer than until the next turn is not waited for.
    await Promise.race([Promise.all(runs), new Promise((resolve) => { setTimeout(resolve, pauseMs); })]);
    poll.isRunning = false;
    const hasCome = poll.state === "there" && stateBefore !== "there";
    poll.timer = setTimeout(poll.run, hasCome ? 0 : pauseMs);
  },

  async runJob(job) {
    const isFirst = job === poll.jobs[0];
    job.isRunning = true;
    const beganAt = Date.now();
    // A refusal is tried again soon: the map may have been loading.
    job.due = Date.now() + Math.min(job.every, 4) * 1000 - pauseMs / 2;
    try {
      if (job.run) await job.run();
      else job.show(await api.get(job.path, job.query));
      // What takes long in a large map is asked for less often.
      const tookMs = Date.now() - beganAt;
      job.due = Date.now() + Math.max(job.every * 1000 - pauseMs / 2, tookMs * 10);
      if (isFirst) poll.come();
    } catch (error) {
      if (error instanceof Refused && error.status === 401) poll.shut(error);
      else if (isFirst && error instanceof Gone) poll.leave();
      else if (error instanceof Refused) job.tell(error);
      else if (!(error instanceof Gone)) console.error(error);
    }
    job.isRunning = false;
  },

  come() {
    poll.answeredAt = Date.now();
    setText(byId("answered"), `as of ${clock.format(poll.answeredAt)}`);
    if (poll.state === "there") return;
    poll.state = "there";
    document.body.classList.remove("gone");
    for (const job of poll.jobs.slice(1)) job.due = 0;
  },

  leave() {
    poll.state = "gone";
    document.body.classList.add("gone");
    const since = poll.answeredAt === null ? "" : ` since ${clock.format(poll.answeredAt)}; what you see is from then`;
    showBanner(`No answer from Relevo${since}. Trying again every two seconds.`);
    setAttribute(byId("ready"), "data-state", "off");
    setText(byId("ready"), "No answer");
    document.title = "No answer · Relevo";
  },

  shut(error) {
    poll.state = "shut";
    showBanner(sentence(error.message), element("button", { type: "button", onclick: poll.open }, "Sign in"));
  },

  open() {
    showBanner("");
    poll.state = "waiting";
    poll.run();
  },

  /** What shows the map is not up to date. */
  mapHasChanged() {
    for (const job of poll.jobs.slice(-2)) job.due = 0;
    search.run();
    poll.run();
  },
};

function showStatus(status) {
  serverClock.set(status.startedAt + status.uptime);
  showReadiness(status);
  showSettings(status);
  tiles.show({ status });
  byId("snapshot").hidden = status.map.file === undefined;
  tree.root = status.map.key.startsWith("host") ? "" : "/";
}

function showHour(answer) {
  traffic.showHour(answer);
  headline.showShare(answer);
  tiles.show({ hour: answer });
}

function showDay(answer) {
  headline.showDay(answer);
  traffic.showDay(answer);
}

function showBanner(text, ...more) {
  const banner = byId("gone");
  if (banner.shown === text) return;
  banner.shown = text;
  banner.replaceChildren(text, ...more);
}

byId("forget-token").hidden = sessionStorage.getItem(tokenKey) === null;
byId("forget-token").addEventListener("click", () => {
  sessionStorage.removeItem(tokenKey);
  location.reload();
});
document.addEventListener("visibilitychange", poll.run);
poll.run();
