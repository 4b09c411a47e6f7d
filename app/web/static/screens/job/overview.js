// The figures of a run, its curve with what it is measured by, its drawdowns, months and years.
import { call, Refused } from "../../core/api.js";
import { chart, draw, logarithmic, zoom } from "../../core/charts.js";
import { card, element, facts, lay, notice, quiet, sideBySide, table } from "../../core/dom.js";
import { caution, date, day, figure, label, number, params, percent, quality, several, signed } from "../../core/format.js";
import { bars, equity, line, overDrawdown } from "../../core/plots.js";

const FIRST = ["total_return", "cagr", "sharpe", "max_drawdown", "annual_volatility", "sortino", "calmar", "final_equity"];
const COSTS = [["total_commission", "commission"], ["total_slippage", "slippage"], ["total_borrow", "borrow"], ["total_funding", "funding"]];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
// A curve of so many bars is asked for whole, a longer one by so many points, with all its extremes.
const WHOLE = 8000;
const THINNED = 4000;

export async function open(place, { job, result, signal }) {
  const { metrics, request } = result;
  const curves = await call(`/jobs/${job.job_id}/equity`, { query: { points: result.bars > WHOLE ? THINNED : Math.max(10, result.bars) }, signal });
  const benchmark = await benchmarkOf(request, curves, signal);
  const main = chart("Equity over drawdown", "28rem");
  const log = logarithmic(main);
  const drawing = drawMain(main, log, curves, benchmark); // the first of all
  const rest = Object.keys(metrics).filter((name) => !FIRST.includes(name) && metrics[name] !== null);

  lay(place,
    about(result),
    caution(result.provenance.quality),
    benchmark?.why && notice(`${benchmark.name} is not drawn: ${benchmark.why}`),
    facts(FIRST.map((name) => [label(name), toned(name, metrics[name])]), "figures"),
    card(null, log.shown, main),
    sideBySide(monthly(result), yearly(result)),
    sideBySide(drawdowns(result, main), rolling(curves, result)),
    sideBySide(histogram(curves, result), exposure(curves)),
    sideBySide(
      card("Other figures", facts(rest.map((name) => [label(name), figure(name, metrics[name])]))),
      costs(metrics)),
    result.warnings.length > 0 && card("Warnings", element("ul", {}, result.warnings.map((text) => element("li", {}, text)))));
  await drawing;
}

function about(result) {
  const { request, provenance } = result;
  const symbols = request.symbols ? `${several(request.symbols)} · ` : "";
  const days = request.start_date ? `${request.start_date} to ${request.end_date}` : "";
  return quiet(`${symbols}${days} · ${request.params ? params(request.params) : ""} `, quality(provenance.quality));
}

function toned(name, value) {
  return ["total_return", "cagr", "sharpe", "sortino", "calmar"].includes(name) ? signed(figure(name, value), value) : figure(name, value);
}

// The closes of the benchmark, brought to the capital of the run at its first bar; or why they are not there any more.
async function benchmarkOf(request, curves, signal) {
  if (!request.benchmark) return null;
  const [, dataset, symbol] = request.dataset_id ? [null, `${request.dataset_id}@${request.dataset_version}`, request.benchmark]
    : request.benchmark.match(/^(.+?):(.+)$/); // a portfolio has no dataset of its own
  let bars;
  try {
    bars = await call(`/datasets/${encodeURIComponent(dataset)}/bars`, {
      query: { symbol, start: day(curves.time[0]), end: day(curves.time.at(-1)), points: 2000 }, signal,
    });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { name: request.benchmark, why: error.message };
  }
  const first = bars.close.find((close) => close !== null);
  return { name: request.benchmark, time: bars.time, value: bars.close.map((close) => close === null ? null : close / first * curves.value[0]) };
}

function drawMain(place, log, curves, benchmark) {
  return draw(place, (theme) => ({
    traces: [...(benchmark?.time ? [line(benchmark.name, benchmark.time, benchmark.value, theme.quiet, { width: 1, dash: "dot" })] : []), ...equity(theme, curves)],
    layout: { showlegend: Boolean(benchmark?.time), ...overDrawdown({ type: log.type() }) },
  }));
}

function monthly(result) {
  const place = chart("Return of every month", "16rem");
  const years = [...new Set(result.monthly_returns.map(({ month }) => month.slice(0, 4)))].reverse();
  const of = new Map(result.monthly_returns.map((item) => [item.month, item.return]));
  const rows = years.map((year) => MONTHS.map((_, at) => of.get(`${year}-${String(at + 1).padStart(2, "0")}`) ?? null));
  const most = Math.max(...result.monthly_returns.map((item) => Math.abs(item.return)), 1e-9);
  draw(place, (theme) => ({
    traces: [{
      type: "heatmap", x: MONTHS, y: years, z: rows, zmin: -most, zmax: most, colorscale: theme.diverging, xgap: 1, ygap: 1, showscale: false,
      texttemplate: years.length <= 12 ? "%{z:.1%}" : "", hovertemplate: "%{x} %{y}: %{z:.2%}<extra></extra>",
    }],
    layout: { hovermode: "closest", yaxis: { type: "category", autorange: "reversed" }, xaxis: { type: "category" } },
  }));
  return card("Monthly returns", place);
}

function yearly(result) {
  const place = chart("Return of every year", "16rem");
  draw(place, (theme) => ({
    traces: [{
      type: "bar", x: result.yearly_returns.map((item) => item.year), y: result.yearly_returns.map((item) => item.return),
      marker: { color: result.yearly_returns.map((item) => (item.return < 0 ? theme.c2 : theme.c1)) }, hovertemplate: "%{x}: %{y:.2%}<extra></extra>",
    }],
    layout: { hovermode: "closest", xaxis: { type: "category" }, yaxis: { tickformat: ".0%" } },
  }));
  return card("Yearly returns", place);
}

function drawdowns(result, main) {
  const rows = result.top_drawdowns;
  if (!rows.length) return card("Drawdowns", quiet("The equity never fell below an earlier one."));
  const last = result.request.end_date;
  return card("Drawdowns", table([
    { title: "Peak", show: (row) => date(row.start) }, { title: "Trough", show: (row) => date(row.trough) },
    { title: "Recovered", show: (row) => (row.end ? date(row.end) : "not yet") },
    { title: "Depth", number: true, show: (row) => percent(row.depth), sort: (row) => -row.depth },
    { title: "Days", number: true, show: (row) => number(row.days, 0), sort: (row) => row.days },
  ], rows, { onRow: (row) => zoom(main, row.start, row.end ?? last), caption: "Choose one to see it in the chart.", label: "drawdowns" }));
}

function rolling(curves, result) {
  const title = `Rolling over ${result.conventions.rolling_bars} bars`;
  if (curves.rolling_volatility.every((value) => value === null)) return card(title, quiet("The run has fewer bars."));
  const place = chart("Rolling Sharpe ratio and volatility", "16rem");
  draw(place, (theme) => ({
    traces: [
      line("Sharpe", curves.time, curves.rolling_sharpe, theme.c1, { width: 1.2 }),
      line("volatility", curves.time, curves.rolling_volatility, theme.c4, { width: 1.2, yaxis: "y2" }),
      curves.rolling_beta.some((value) => value !== null) && line("beta", curves.time, curves.rolling_beta, theme.c3, { width: 1.2 }),
    ].filter(Boolean),
    layout: { showlegend: true, margin: { l: 45, r: 50, t: 12, b: 30 }, yaxis2: { overlaying: "y", side: "right", tickformat: ".0%", showgrid: false } },
  }));
  return card(title, place);
}

// Of every bar where the curve has them all, else of every month: a thinned curve has other returns.
function histogram(curves, result) {
  const returns = curves.decimated ? result.monthly_returns.map((item) => item.return)
    : curves.value.slice(1).map((value, at) => value / curves.value[at] - 1);
  const place = chart("Histogram of the returns", "16rem");
  draw(place, (theme) => ({
    traces: [{ type: "histogram", x: returns, marker: { color: theme.c1 }, nbinsx: 80, hovertemplate: "%{x}: %{y}<extra></extra>" }],
    layout: { hovermode: "closest", bargap: 0.02, xaxis: { tickformat: ".1%" } },
  }));
  return card(curves.decimated ? "Returns by month" : "Returns by bar", place);
}

function exposure(curves) {
  const place = chart("Exposure", "16rem");
  draw(place, (theme) => ({
    traces: [line("exposure", curves.time, curves.exposure, theme.c3, { width: 1, shape: "hv", fill: "tozeroy", fillcolor: theme.soft(theme.c3) })],
    layout: { yaxis: { tickformat: ".0%" } },
  }));
  return card("Exposure", place);
}

function costs(metrics) {
  const paid = COSTS.filter(([name]) => metrics[name]);
  if (!paid.length) return card("Costs", quiet("Nothing was charged."));
  const charged = bars("What was charged", paid.map(([name, title]) => [title, metrics[name]]), { tone: (theme) => theme.c2 });
  return card("Costs", charged, quiet(`Turnover ${number(metrics.turnover)} times the equity a year.`));
}
