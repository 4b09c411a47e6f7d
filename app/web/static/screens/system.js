// How the platform does: whether jobs run, who is there, what waits. It is asked every few seconds while somebody looks.
import { call } from "../core/api.js";
import { actions, card, element, empty, header, lay, linkButton, table, words } from "../core/dom.js";
import { duration, marked, number, when } from "../core/format.js";
import { calmly, subscribe } from "../core/live.js";

const PAUSE_MS = 4000;
const MARKS = { ok: "succeeded", warning: "running", problem: "failed", busy: "running", idle: "queued", stuck: "failed", silent: "cancelled" };
const SAID = { ok: "Everything is as it should be.", warning: "Jobs run, but somebody should look.", problem: "Something keeps jobs from running." };

export async function open(place, { signal }) {
  const health = element("div");
  const nodes = element("div");
  const queues = element("div");
  const asked = element("span", { class: "quiet" });

  async function show() {
    if (signal.aborted || document.hidden) return;
    try {
      await ask();
    } catch (error) {
      if (!signal.aborted) lay(asked, element("span", { class: "bad", role: "alert" }, `What is below is old: ${error.message}`));
    }
  }

  async function ask() {
    const [report, watched, waiting] = await Promise.all(["/monitoring/health", "/monitoring/workers", "/monitoring/queues"].map((path) => call(path, { signal })));
    lay(health, element("p", {}, element("strong", {}, SAID[report.status])), table(CHECKS, report.checks, { label: "checks" }));
    lay(nodes, watched.nodes.length ? table(NODES, watched.nodes, { label: "nodes" }) : empty("Nobody was heard of within the last hour. Start a worker: queuant worker."));
    lay(queues, table(QUEUES, waiting.queues, { label: "queues", caption: "The times are of the jobs that ended in the last five minutes." }));
    lay(asked, "as of ", when(new Date().toISOString(), { date: false }));
  }

  place.append(
    header("System", asked, actions(
      linkButton("/metrics", "Metrics"), linkButton("/api/v1/monitoring/health", "Health as JSON"),
      linkButton("/docs", "API"))),
    card("Health", health), card("Nodes", nodes), card("Queues", queues));
  await ask();
  const timer = setInterval(show, PAUSE_MS);
  const shown = () => show();
  document.addEventListener("visibilitychange", shown);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", shown);
  });
  subscribe("jobs", { onEvent: calmly(show, 1000, signal) }, signal);
}

function ago(iso) {
  return element("time", { datetime: iso, title: iso }, `${duration(Math.max(0, (Date.now() - Date.parse(iso)) / 1000))} ago`);
}

const CHECKS = [
  { title: "Check", show: ({ name }) => name.replaceAll("_", " ") },
  { title: "State", show: ({ status }) => marked(status, MARKS[status]) },
  { title: "Detail", show: ({ detail }) => words(detail) },
];

const NODES = [
  { title: "Node", show: ({ name }) => name },
  { title: "Role", show: ({ role }) => role },
  { title: "State", show: ({ state }) => marked(state, MARKS[state]) },
  { title: "Jobs", number: true, show: ({ role, busy, concurrency }) => (role === "worker" ? `${busy} of ${concurrency}` : "") },
  { title: "Moves", number: true, show: ({ moves }) => number(moves, 0) },
  { title: "Last active", show: ({ moved_at: at }) => ago(at) },
  { title: "Last seen", show: ({ seen_at: at }) => ago(at) },
  { title: "Since", show: ({ started_at: at }) => when(at) },
  { title: "Host", show: ({ host }) => host },
  { title: "Engine", show: ({ version }) => version },
];

const QUEUES = [
  { title: "Queue", show: ({ queue }) => queue },
  { title: "Waiting", number: true, show: ({ waiting }) => number(waiting, 0) },
  { title: "Running", number: true, show: ({ running }) => number(running, 0) },
  { title: "Oldest wait", number: true, show: (row) => duration(row.oldest_wait_seconds) },
  { title: "Doorbells", number: true, show: ({ bells }) => number(bells, 0) },
  { title: "Ended", number: true, show: ({ ended }) => number(ended, 0) },
  { title: "Wait p50", number: true, show: (row) => duration(row.wait_p50_seconds) },
  { title: "Wait p95", number: true, show: (row) => duration(row.wait_p95_seconds) },
  { title: "Run p50", number: true, show: (row) => duration(row.run_p50_seconds) },
  { title: "Run p95", number: true, show: (row) => duration(row.run_p95_seconds) },
];
