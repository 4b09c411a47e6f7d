// The jobs, newest first: a list that stays true by itself, with filters, and up to eight chosen to be compared.
import { call, unlessRefused } from "../core/api.js";
import { actions, card, element, empty, field, header, lay, select, table } from "../core/dom.js";
import { answers, filled, filters } from "../core/forms.js";
import { duration, label, state, when } from "../core/format.js";
import { calmly, inTurn, subscribe } from "../core/live.js";
import { address, go, remember } from "../core/router.js";

const STATES = ["queued", "running", "succeeded", "failed", "cancelled"];
const KINDS = ["backtest", "portfolio", "sweep", "walkforward", "montecarlo", "fetch", "compose", "book", "reproduce", "signals", "verify"];
const PAGE = 50;
const MOST_COMPARED = 8;

export async function open(place, { query, signal }) {
  const jobs = new Map();
  const chosen = new Set();
  const stale = new Set();
  const turn = inTurn(signal);
  let next = null;

  const list = element("div");
  const older = element("button", { onclick: () => turn(readOlder) }, "Older jobs");
  const compare = element("button", { disabled: true, onclick: () => go("compare", { jobs: [...chosen].join(",") }) }, "Compare");
  const form = filters({ onchange: filter },
    field("State", select({ name: "status" }, [["", "all"], ...STATES], query.get("status"))),
    field("Kind", select({ name: "kind" }, [["", "all"], ...KINDS.map((kind) => [kind, label(kind)])], query.get("kind"))),
    field("Strategy", element("input", { name: "strategy_id", value: query.get("strategy_id") ?? "", placeholder: "any" })),
    field("Dataset", element("input", { name: "dataset_id", value: query.get("dataset_id") ?? "", placeholder: "any" })),
    field("Tag", element("input", { name: "tag", value: query.get("tag") ?? "", placeholder: "any" })));
  place.append(
    header("Jobs", actions(compare, element("a", { class: "button primary", href: "#/new" }, "New run"))),
    card(null, form, list, actions(older)));

  const asked = () => answers(form);

  function filter() {
    remember(asked());
    return filled(list, () => turn(readOthers));
  }

  function readOthers() {
    jobs.clear();
    return readNewest();
  }

  async function readOlder() {
    if (next === null) return; // it was pressed twice, and this was the last page
    const page = await call("/jobs", { query: { ...asked(), limit: PAGE, cursor: next }, signal });
    for (const job of page.jobs) jobs.set(job.job_id, job);
    next = page.next;
    render();
  }

  const reload = () => filled(list, () => turn(readNewest));

  // The newest page anew. Older ones that were asked for stay, unless others lie between.
  async function readNewest() {
    const page = await call("/jobs", { query: { ...asked(), limit: PAGE }, signal });
    const last = page.jobs.at(-1)?.created_at;
    const goesOn = page.next !== null && page.jobs.some(({ job_id: id }) => jobs.has(id));
    const kept = goesOn ? [...jobs.values()].filter(({ created_at: at }) => at < last) : [];
    if (!kept.length) next = page.next;
    jobs.clear();
    for (const job of [...page.jobs, ...kept]) jobs.set(job.job_id, job);
    render();
  }

  function render() {
    older.hidden = next === null;
    const rows = [...jobs.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
    const filtered = Object.values(asked()).some(Boolean);
    lay(list, rows.length ? table(columns, rows, { onRow: (job) => go(`job/${job.job_id}`), key: (job) => job.job_id, label: "jobs" })
      : empty(filtered ? "No job is like that." : "No job yet.", filtered ? null : "#/new", "Start the first one"));
  }

  const columns = [
    { title: "Compare", show: box },
    { title: "Run", show: (job) => element("a", { href: address(`job/${job.job_id}`) }, job.strategy_id ?? label(job.kind)), sort: (job) => job.strategy_id ?? job.kind },
    { title: "Kind", show: (job) => label(job.kind), sort: (job) => job.kind },
    { title: "Data", show: (job) => job.dataset_id ?? "", sort: (job) => job.dataset_id },
    { title: "State", show: (job) => [state(job), bar(job)], sort: (job) => job.status },
    { title: "Compute time", number: true, show: (job) => duration(job.compute_ms === null ? null : job.compute_ms / 1000), sort: (job) => job.compute_ms },
    { title: "Tags", show: (job) => job.tags.join(", ") },
    { title: "Queued", show: (job) => when(job.created_at), sort: (job) => job.created_at },
  ];

  function box(job) {
    if (!job.links.result) return "";
    return element("input", {
      type: "checkbox", checked: chosen.has(job.job_id), "aria-label": `compare ${job.strategy_id ?? job.kind}`,
      onchange: (event) => choose(event.target, job.job_id),
    });
  }

  function choose(input, id) {
    if (input.checked && chosen.size === MOST_COMPARED) input.checked = false;
    else if (input.checked) chosen.add(id);
    else chosen.delete(id);
    compare.disabled = chosen.size < 2;
    compare.textContent = chosen.size ? `Compare ${chosen.size} of at most ${MOST_COMPARED}` : "Compare";
  }

  function bar(job) {
    return job.status === "running" && element("progress", { max: 1, value: job.progress?.fraction ?? null, "data-job": job.job_id, "aria-label": "progress" });
  }

  // Events say that something changed; what it is now is asked once for all that came meanwhile.
  const refresh = calmly(() => filled(list, () => turn(readStale)), 200, signal);

  async function readStale() {
    const ids = [...stale];
    stale.clear();
    try {
      if (ids.length > 5 || Object.values(asked()).some(Boolean)) return await readNewest();
      for (const id of ids) await refreshOne(id);
    } catch (error) {
      for (const id of ids) stale.add(id);
      throw error;
    }
    return render();
  }

  const refreshOne = (id) => unlessRefused(["unknown_job"], async () => {
    const job = await call(`/jobs/${id}`, { signal });
    const oldest = [...jobs.values()].reduce((least, { created_at: at }) => (at < least ? at : least), job.created_at);
    if (next === null || job.created_at > oldest || jobs.has(id)) jobs.set(id, job);
  }, () => jobs.delete(id)); // it was deleted meanwhile

  subscribe("jobs", {
    onGap: reload,
    onEvent: ({ type, data }) => {
      if (type === "job_progress") return progress(data);
      stale.add(data.job_id);
      refresh();
    },
  }, signal);

  function progress(data) {
    const job = jobs.get(data.job_id);
    if (job) job.progress = data;
    const shown = list.querySelector(`progress[data-job="${data.job_id}"]`);
    if (shown && data.fraction !== null) shown.value = data.fraction;
  }

  await reload();
}
