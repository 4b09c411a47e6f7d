// One job: where it stands while it runs, what it found when it is done. Each tab is a module in screens/job/.
import { call } from "../core/api.js";
import { prepare } from "../core/charts.js";
import { actions, card, element, empty, lay, linkButton, notice, quiet } from "../core/dom.js";
import { action } from "../core/forms.js";
import { duration, number, percent, state, title, when } from "../core/format.js";
import { calmly, inTurn, subscribe } from "../core/live.js";
import { pane } from "../core/pane.js";
import { address, go } from "../core/router.js";
import { tabbed } from "../core/tabbed.js";

// A tab is there when `has` says so of the result (or, without `result`, of the job).
const TABS = [
  { name: "overview", title: "Overview", has: (result) => result?.metrics, load: () => import("./job/overview.js") },
  { name: "search", title: "Search", has: (result, job) => result?.sweep || (job.kind === "sweep" && job.status !== "queued"), load: () => import("./job/search.js") },
  { name: "walk", title: "Folds", has: (result) => result?.walkforward, load: () => import("./job/walk.js") },
  { name: "paths", title: "Paths", has: (result) => result?.montecarlo, load: () => import("./job/paths.js") },
  { name: "sleeves", title: "Sleeves", has: (result) => result?.portfolio, load: () => import("./job/sleeves.js") },
  { name: "trades", title: "Trades", has: (result, job) => result?.trades_summary && job.links.trades, load: () => import("./job/trades.js") },
  { name: "found", title: "Result", has: (result) => result && !result.metrics && !result.sweep, load: () => import("./job/found.js") },
  { name: "origin", title: "Provenance", has: (result) => result?.provenance, load: () => import("./job/origin.js") },
  { name: "log", title: "Log", has: () => true, load: () => import("./job/log.js") },
];
const POINTS = 10; // a tab that draws curves asks for its own
const FARTHEST = 10_000; // from this place on a queue is not counted

export async function open(place, { rest: [asked = ""], signal }) {
  const jobId = encodeURIComponent(asked);
  const head = element("header");
  const standing = element("div");
  const body = element("div");
  const fill = pane(body, signal);
  place.append(head, standing, body);
  const turn = inTurn(signal);
  let drawn = "";

  // The tabs change with the state of the job only; they are drawn while it is read on.
  async function show() {
    const found = await turn(read);
    if (!found || found.now === drawn) return;
    drawn = found.now;
    const { job, result } = found;
    const there = TABS.filter(({ has }) => has(result, job));
    await fill((made, ends) => tabbed(made, there, { job, result, signal: ends }));
  }

  async function read() {
    const job = await call(`/jobs/${jobId}`, { signal });
    document.title = `${title(job)} · Queuant`;
    lay(head, heading(job));
    lay(standing, standingOf(job));
    const now = `${job.status} ${job.attempt}`;
    const ended = drawn !== now && job.status === "succeeded";
    return { now, job, result: ended ? await call(`/jobs/${jobId}/result`, { query: { points: POINTS }, signal }) : null };
  }

  function heading(job) {
    const act = (name, step) => action(name, standing, async () => {
      const answer = await call(`/jobs/${jobId}/${step}`, { method: "POST" });
      if (answer.job_id === jobId) await show();
      else go(`job/${answer.job_id}`);
    });
    return [
      element("h1", {}, title(job)), state(job),
      actions(
        job.links.cancel && !job.cancel_requested_at && act("Cancel", "cancel"),
        job.links.retry && act("Run again", "retry"),
        job.links.verify && linkButton(address("new", { like: jobId }), "Change and run"),
        job.links.report && linkButton(job.links.report, "Report"),
        job.links.result && linkButton(download(job), "Download")),
    ];
  }

  // Of a search all trials: it may have no best one, whose curve and trades the others have.
  function download({ kind, links }) {
    return links.export ? `${links.export}?format=json${kind === "sweep" ? "&part=trials" : ""}` : links.result;
  }

  function standingOf(job) {
    if (job.status === "queued") return [card(null, element("p", {}, `Number ${number(job.queue_position)}${job.queue_position < FARTHEST ? "" : " or later"} in the queue, since `, when(job.created_at), "."))];
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
    lay(shown,
      element("progress", { max: 1, value: fraction, "aria-label": "progress" }),
      quiet(progress ? [
        progress.phase ?? "", fraction === null ? "" : ` · ${percent(fraction, 0)}`,
        progress.total ? ` · ${number(progress.done)} of ${number(progress.total)} ${progress.unit ?? ""}` : "",
        progress.eta_seconds === null || progress.eta_seconds === undefined ? "" : ` · ${duration(progress.eta_seconds)} left`,
      ] : "A worker has begun."));
  }

  prepare();
  if (!jobId) return place.append(empty("No job is named.", "#/jobs", "Go to the jobs"));
  const refresh = calmly(show, 50, signal);
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
