// One job: where it stands while it runs, what it found when it is done. Each tab is a module in screens/job/.
import { call, Refused } from "../core/api.js";
import { calmly, card, element, empty, notice, tabs } from "../core/dom.js";
import { duration, quality, state, when } from "../core/format.js";
import { subscribe } from "../core/live.js";
import { address, go, remember } from "../core/router.js";

// A tab is there when `has` says so of the result (or, without `result`, of the job).
const TABS = [
  { name: "overview", title: "Overview", has: (result) => result?.metrics, load: () => import("./job/overview.js") },
  { name: "search", title: "Search", has: (result, job) => result?.sweep || (job.kind === "sweep" && job.status !== "queued"), load: () => import("./job/search.js") },
  { name: "walk", title: "Folds", has: (result) => result?.walkforward, load: () => import("./job/walk.js") },
  { name: "paths", title: "Paths", has: (result) => result?.montecarlo, load: () => import("./job/paths.js") },
  { name: "sleeves", title: "Sleeves", has: (result) => result?.portfolio, load: () => import("./job/sleeves.js") },
  { name: "trades", title: "Trades", has: (result, job) => result?.trades_summary && job.links.trades, load: () => import("./job/trades.js") },
  { name: "found", title: "Result", has: (result) => result && !result.metrics, load: () => import("./job/found.js") },
  { name: "origin", title: "Provenance", has: (result) => result?.provenance, load: () => import("./job/origin.js") },
  { name: "log", title: "Log", has: () => true, load: () => import("./job/log.js") },
];
const POINTS = 10; // a tab that draws curves asks for its own
const FARTHEST = 10_000; // from this place on a queue is not counted

export async function open(place, { rest: [asked = ""], query, signal }) {
  const jobId = encodeURIComponent(asked);
  const head = element("header");
  const standing = element("div");
  const bar = element("div");
  const body = element("div", { id: "tab", role: "tabpanel", class: "screen" });
  place.append(head, standing, bar, body);
  let drawn = "";
  let tab = query.get("tab");
  let inner = new AbortController();
  signal.addEventListener("abort", () => inner.abort());

  async function show() {
    const job = await call(`/jobs/${jobId}`, { signal });
    document.title = `${title(job)} · Queuant`;
    head.replaceChildren(...heading(job));
    standing.replaceChildren(...standingOf(job));
    const now = `${job.status} ${job.attempt}`;
    if (drawn === now) return;
    drawn = now;
    const result = job.status === "succeeded" ? await call(`/jobs/${jobId}/result`, { query: { points: POINTS }, signal }) : null;
    const there = TABS.filter(({ has }) => has(result, job));
    const chosen = there.find(({ name }) => name === tab) ?? there[0];
    bar.replaceChildren(tabs(there.map(({ name, title }) => [name, title]), chosen.name, (name) => {
      remember({ tab: name });
      tab = name;
      openTab(there.find((item) => item.name === name), job, result);
    }, "tab"));
    await openTab(chosen, job, result);
  }

  async function openTab(item, job, result) {
    inner.abort();
    inner = new AbortController();
    const made = element("div", { class: "screen", "aria-labelledby": `tab-${item.name}` });
    body.replaceChildren(made);
    try {
      await (await item.load()).open(made, { job, result, signal: inner.signal });
    } catch (error) {
      if (inner.signal.aborted) return;
      if (!(error instanceof Refused)) throw error;
      made.append(notice(error.message, "bad"));
    }
  }

  function heading(job) {
    const act = (name, path, method) => element("button", { onclick: () => press(path, method) }, name);
    return [
      element("h1", {}, title(job)), state(job),
      element("div", { class: "actions" },
        job.links.cancel && !job.cancel_requested_at && act("Cancel", `/jobs/${jobId}/cancel`, "POST"),
        job.links.retry && act("Run again", `/jobs/${jobId}/retry`, "POST"),
        job.links.result && job.kind !== "signal" && element("a", { class: "button", href: address("new", { like: jobId }) }, "Change and run"),
        job.links.report && element("a", { class: "button", href: job.links.report }, "Report"),
        job.links.result && element("a", { class: "button", href: `/api/v1/jobs/${jobId}/export?format=json` }, "Download")),
    ];
  }

  function standingOf(job) {
    if (job.status === "queued") return [card(null, element("p", {}, `Number ${job.queue_position.toLocaleString("en")}${job.queue_position < FARTHEST ? "" : " or later"} in the queue, since `, when(job.created_at), "."))];
    if (job.status === "running") return [card(null, running(job))];
    if (job.error) return [notice(`${job.error.message} (${job.error.code}, attempt ${job.attempt} of ${job.max_attempts})`, "bad")];
    if (job.status === "cancelled") return [notice("It was cancelled. What was done until then is not lost: “Run again” goes on from there where it can.")];
    return [];
  }

  function running(job) {
    const shown = element("div", { id: "progress" });
    tell(shown, job.progress);
    return shown;
  }

  function tell(shown, progress) {
    const fraction = progress?.fraction ?? null;
    shown.replaceChildren(
      element("progress", { max: 1, value: fraction, "aria-label": "progress" }),
      element("p", { class: "quiet" }, progress ? [
        progress.phase ?? "", fraction === null ? "" : ` · ${(fraction * 100).toFixed(0)} %`,
        progress.total ? ` · ${progress.done.toLocaleString("en")} of ${progress.total.toLocaleString("en")} ${progress.unit ?? ""}` : "",
        progress.eta_seconds === null || progress.eta_seconds === undefined ? "" : ` · ${duration(progress.eta_seconds)} left`,
      ] : "A worker has begun."));
  }

  async function press(path, method) {
    try {
      const answer = await call(path, { method });
      if (answer.job_id === jobId) await show();
      else go(`job/${answer.job_id}`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      standing.append(notice(error.message, "bad"));
    }
  }

  if (!jobId) return place.append(empty("No job is named.", "#/jobs", "Go to the jobs"));
  const refresh = calmly(() => !signal.aborted && show(), 50);
  await show();
  subscribe(`jobs/${jobId}`, {
    onGap: refresh,
    onEvent: ({ type, data }) => {
      const shown = document.getElementById("progress");
      if (type === "job_progress") shown && tell(shown, data);
      else if (type !== "trial_rows") refresh();
    },
  }, signal);
}

export function title(job) {
  const about = [job.strategy_id, job.dataset_id].filter(Boolean).join(" on ");
  return job.kind === "backtest" ? about : `${job.kind[0].toUpperCase()}${job.kind.slice(1)} ${about ? `of ${about}` : ""}`.trim();
}

// What a result was computed from, marked where that is no real market.
export function origin(result) {
  const { provenance } = result;
  return element("p", { class: "quiet" }, `${provenance.dataset_id ? `${provenance.dataset_id}@${provenance.dataset_version}` : ""} `, quality(provenance.quality));
}
