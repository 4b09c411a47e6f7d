// The page: a list of jobs that stays true by itself, a form, and one job in detail.
import { call, element, Refused } from "./api.js";
import { show, showProgress } from "./detail.js";
import { prepare } from "./form.js";
import { listen } from "./live.js";

const list = document.getElementById("jobs");
const older = document.getElementById("older");
const live = document.getElementById("live");
const jobs = new Map(); // newest first
const stale = new Set();
let next = null;
let open = null;
let refreshing = false;

function render() {
  list.replaceChildren(...[...jobs.values()].map(row));
  document.getElementById("no-jobs").hidden = jobs.size > 0;
  older.hidden = next === null;
}

function row(job) {
  const colour = { succeeded: "good", failed: "bad" }[job.status] ?? "";
  const state = job.status === "running" && job.cancel_requested_at ? "cancelling" : job.status;
  const time = new Date(job.created_at).toLocaleTimeString();
  const bar = job.status === "running" ? element("progress", { max: 1, value: job.progress?.fraction ?? null }) : null;
  const button = element("button", { onclick: () => choose(job.job_id), "aria-current": String(job.job_id === open) },
    element("span", {}, element("strong", {}, job.strategy_id ?? job.kind), ` ${job.dataset_id ?? ""}`, job.kind === "backtest" || !job.strategy_id ? "" : ` · ${job.kind}`), element("span", { class: colour }, state), element("span", { class: "quiet" }, time), bar);
  return element("li", { "data-job": job.job_id }, button);
}

async function choose(jobId) {
  open = jobId;
  render();
  await show(jobId);
  document.getElementById("detail").scrollIntoView({ block: "nearest", behavior: "smooth" });
}

async function reload() {
  const page = await call("/jobs?limit=50");
  jobs.clear();
  for (const job of page.jobs) jobs.set(job.job_id, job);
  next = page.next;
  render();
  if (open) await show(open);
}

// Events say that something changed; what it is now is asked once for all that came meanwhile.
async function refresh() {
  if (refreshing) return;
  refreshing = true;
  while (stale.size) {
    const ids = [...stale];
    stale.clear();
    await new Promise((done) => setTimeout(done, 100));
    if (ids.length > 5) await reload();
    else for (const id of ids) await refreshOne(id);
  }
  refreshing = false;
}

async function refreshOne(id) {
  try {
    keep(await call(`/jobs/${id}`));
    if (id === open) await show(id);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    jobs.delete(id); // it was deleted meanwhile
  }
  render();
}

// A job that is older than all that are shown stays on its page, unless there is no further page.
function keep(job) {
  const oldest = [...jobs.values()].at(-1);
  if (next !== null && oldest && job.created_at < oldest.created_at) return;
  jobs.set(job.job_id, job);
  const sorted = [...jobs.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  jobs.clear();
  for (const item of sorted) jobs.set(item.job_id, item);
}

function hear(message) {
  const id = message.data.job_id;
  if (message.type !== "job_progress") {
    stale.add(id);
    refresh();
    return;
  }
  const job = jobs.get(id);
  if (!job) return;
  job.progress = message.data;
  const bar = list.querySelector(`[data-job="${id}"] progress`);
  if (bar && message.data.fraction !== null) bar.value = message.data.fraction;
  showProgress(id, message.data);
}

older.addEventListener("click", async () => {
  const page = await call(`/jobs?limit=50&cursor=${encodeURIComponent(next)}`);
  for (const job of page.jobs) jobs.set(job.job_id, job);
  next = page.next;
  render();
});

await prepare((taken) => {
  stale.add(taken.job_id);
  refresh();
  choose(taken.job_id);
});
listen({
  onEvent: hear,
  onGap: reload,
  onState: (state) => {
    live.textContent = state;
    live.classList.toggle("on", state === "live");
  },
});
