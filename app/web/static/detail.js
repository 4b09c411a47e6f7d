// Everything about one job: where it stands, or what it computed, from which data and under which rules.
import { call, element, Refused } from "./api.js";

const place = document.getElementById("detail");
const FRACTIONS = new Set(["total_return", "cagr", "annual_volatility", "max_drawdown", "var_95", "cvar_95", "win_rate", "exposure",
  "best_day", "worst_day", "downside_deviation", "alpha", "tracking_error"]);
const FIRST = ["total_return", "cagr", "sharpe", "max_drawdown", "annual_volatility", "sortino", "calmar", "total_trades", "win_rate",
  "profit_factor", "exposure", "turnover", "final_equity", "total_commission", "total_slippage"];
const FARTHEST = 10_000;
let plotly = null;
let drawn = "";

export async function show(jobId) {
  const job = await call(`/jobs/${jobId}`);
  const state = `${job.job_id} ${job.status} ${job.cancel_requested_at}`;
  if (drawn === state) return;
  drawn = state;
  place.hidden = false;
  place.replaceChildren(...heading(job));
  if (job.status === "succeeded") await (job.kind === "backtest" ? showResult(job) : showOutcome(job));
  else if (job.error) place.append(element("p", { class: "bad" }, `${job.error.code}: ${job.error.message}`));
}

export function showProgress(jobId, progress) {
  if (place.dataset.job !== jobId) return;
  const bar = place.querySelector("progress");
  if (bar && progress.fraction !== null) bar.value = progress.fraction;
}

function heading(job) {
  place.dataset.job = job.job_id;
  const act = (name, path, method) => element("button", { onclick: () => press(path, method) }, name);
  const actions = element("div", { class: "actions" });
  if (job.links.cancel && !job.cancel_requested_at) actions.append(act("Cancel", `/jobs/${job.job_id}/cancel`, "POST"));
  if (job.links.retry) actions.append(act("Run again", `/jobs/${job.job_id}/retry`, "POST"));
  const waits = job.status === "queued" ? ` · ${job.queue_position}.${job.queue_position < FARTHEST ? "" : " or later"} in the queue` : "";
  return [
    element("h2", {}, title(job)),
    element("p", { class: "quiet" }, `${job.cancel_requested_at && job.status === "running" ? "cancelling" : job.status}${waits} · attempt ${job.attempt} of ${job.max_attempts} · ${job.job_id}`),
    job.status === "running" ? element("progress", { value: job.progress?.fraction ?? null, max: 1 }) : "",
    actions,
  ];
}

function title(job) {
  const about = [job.strategy_id, job.dataset_id].filter(Boolean).join(" on ");
  return job.kind === "backtest" ? about : `${job.kind} ${about}`;
}

async function press(path, method) {
  try {
    const answer = await call(path, { method });
    await show(answer.job_id);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    place.append(element("p", { class: "bad", role: "alert" }, error.message));
  }
}

// A job that is no backtest: what it found, as it told it.
async function showOutcome(job) {
  const { job_id: _, kind: __, links: ___, request: ____, ...found } = await call(`/jobs/${job.job_id}/result?points=200`);
  const sentence = found.montecarlo?.meaning ?? found.lookahead?.sentence;
  place.append(sentence ? element("p", {}, sentence) : "", element("pre", {}, JSON.stringify(found, null, 2)));
}

async function showResult(job) {
  const result = await call(`/jobs/${job.job_id}/result?points=1500`);
  const { request, provenance, conventions, metrics } = result;
  const chart = element("div", { id: "chart" });
  const names = [...FIRST.filter((name) => name in metrics), ...Object.keys(metrics).filter((name) => !FIRST.includes(name))];
  const file = (text, query) => element("a", { class: "button", href: `/api/v1/jobs/${job.job_id}/export?${query}` }, text);
  place.append(
    element("p", { class: "quiet" }, `${request.symbols.join(", ")} · ${request.start_date} to ${request.end_date} · ${parameters(request.params)}`),
    provenance.quality === "real" ? "" : element("p", { class: "notice" }, `Computed from ${provenance.quality} data: it says nothing about real markets.`),
    chart,
    list(names.map((name) => [name.replaceAll("_", " "), told(name, metrics[name])])),
    element("h3", {}, "How it was computed"),
    list([
      ["fill", conventions.fill],
      ["data", `${provenance.dataset_id}@${provenance.dataset_version} (${provenance.quality})`],
      ["source", provenance.source],
      ["look ahead", result.lookahead?.verdict.replace("_", " ") ?? "unchecked"],
      ["engine", provenance.engine_version],
      ["result", provenance.result_hash.slice(0, 16)],
    ]),
    ...result.warnings.map((text) => element("p", { class: "quiet" }, text)),
    element("div", { class: "actions" },
      element("a", { class: "button", href: job.links.report }, "Report"),
      file("Equity (CSV)", "format=csv&part=equity"), file("Trades (CSV)", "format=csv&part=trades"),
      file("Equity (Parquet)", "format=parquet&part=equity"), file("Everything (JSON)", "format=json")),
  );
  await draw(chart, result.equity);
}

function parameters(params) {
  return Object.entries(params).map(([name, value]) => `${name} ${value}`).join(", ") || "no parameters";
}

function list(pairs) {
  return element("dl", {}, ...pairs.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value)))));
}

function told(name, value) {
  if (value === null) return "–"; // not defined for this run
  if (FRACTIONS.has(name)) return `${(value * 100).toFixed(2)} %`;
  return Number.isInteger(value) ? value.toLocaleString("en") : value.toLocaleString("en", { maximumFractionDigits: 3 });
}

async function draw(chart, equity) {
  plotly ??= new Promise((done, fail) => {
    document.head.append(element("script", { src: "/vendor/plotly/plotly.min.js", onload: () => done(window.Plotly), onerror: fail }));
  });
  const style = getComputedStyle(document.body);
  const probe = element("span", { class: "probe" });
  document.body.append(probe);
  const colour = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
  const [text, line, accent, bad] = ["quiet", "line", "accent", "bad"].map(colour);
  probe.remove();
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: line };
  // SVG traces only: WebGL ones compile code, which the page's policy forbids.
  const traces = [
    { type: "scatter", mode: "lines", name: "equity", x: equity.time, y: equity.value, line: { color: accent, width: 1.5 } },
    { type: "scatter", mode: "lines", name: "drawdown", x: equity.time, y: equity.drawdown, yaxis: "y2", fill: "tozeroy", line: { color: bad, width: 1 } },
  ];
  const layout = {
    paper_bgcolor: "transparent", plot_bgcolor: "transparent", showlegend: false, hovermode: "x unified",
    font: { color: text, family: style.fontFamily, size: 12 }, margin: { l: 70, r: 15, t: 10, b: 30 },
    xaxis: { ...axis, anchor: "y2" }, yaxis: { ...axis, domain: [0.32, 1], title: { text: "equity" } },
    yaxis2: { ...axis, domain: [0, 0.26], tickformat: ".0%", title: { text: "drawdown" } },
  };
  (await plotly).newPlot(chart, traces, layout, { responsive: true, displayModeBar: false });
}
