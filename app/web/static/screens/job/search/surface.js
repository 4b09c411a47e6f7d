// A figure over two of the parameters as a map, over a single one as a line.
import { call } from "../../../core/api.js";
import { chart, draw } from "../../../core/charts.js";
import { card, element, field, lay, select } from "../../../core/dom.js";
import { answers, filled, filters } from "../../../core/forms.js";
import { figure as shown, isFraction, label } from "../../../core/format.js";
import { inTurn } from "../../../core/live.js";
import { here, remember } from "../../../core/router.js";

// An axis of more numbers is told in so many stretches: fewer where trials are few, or most cells would be empty.
const BINS = { few: 40, many: 80, from: 20_000 };
// Up to so many values stand side by side, whatever lies between them; more are an axis of numbers.
const FEW = 30;
const NO_GAP = 0.01; // without any, Plotly scales a picture by an inline style, which the page's policy forbids
const TITLE = "Surface";
const WRITTEN = 200; // cells with their figure in them

export function surface({ job, result, signal }, choose) {
  const place = card(TITLE);
  const plot = chart("A figure over two parameters", "28rem");
  const words = element("div", { class: "quiet" });
  let form = null;
  let told = null;
  let total = 0;
  const turn = inTurn(signal);

  function build(page) {
    const { query } = here();
    const symbols = [...new Set(page.trials.map(({ symbol }) => symbol).filter(Boolean))];
    const two = page.axes.length > 1;
    form = filters({ onchange: changed },
      field(two ? "Across" : "Parameter", select({ name: "x" }, page.axes, query.get("x"))),
      two && field("Up", select({ name: "y" }, page.axes, query.get("y") ?? page.axes[1])),
      field("Figure", select({ name: "figure" }, Object.keys(page.better).map((name) => [name, label(name)]), query.get("figure") ?? page.objective[0])),
      page.axes.length > 2 || symbols.length ? field("Of trials that share these", select({ name: "take" }, [["best", "the best"], ["mean", "the mean"]], query.get("take"))) : "",
      symbols.length > 1 && field("Symbol", select({ name: "symbol" }, [["", "all"], ...symbols], query.get("symbol"))));
    lay(place, element("h2", {}, TITLE), form, plot, words);
  }

  function changed(event) {
    const { x, y } = form.elements;
    if (y && x.value === y.value) { // two axes: the other one gives way
      const other = event.target === x ? y : x;
      other.value = [...other.options].find((option) => option.value !== x.value).value;
    }
    remember(asked());
    return load();
  }

  const asked = () => Object.fromEntries(Object.entries(answers(form)).filter(([, value]) => value));

  const load = () => filled(words, () => turn(read));

  async function read() {
    const now = asked();
    told = { ...await call(`/jobs/${job.job_id}/surface`, { query: { ...now, bins: total < BINS.from ? BINS.few : BINS.many }, signal }), names: now };
    const values = told.z.flat().filter((value) => value !== null);
    words.textContent = values.length ? inWords(told, values) : "No trial has this figure.";
    plot.setAttribute("aria-label", `${label(told.figure)} over ${[now.x, now.y].filter(Boolean).join(" and ")}. ${words.textContent}`);
    await draw(plot, (theme) => (told.y[0] === null && told.y.length === 1 ? line(told, theme) : map(told, theme, values, result)));
    plot.removeAllListeners?.("plotly_click");
    plot.on("plotly_click", pressed);
  }

  function pressed({ points: [point] }) {
    const at = Array.isArray(point.pointIndex) ? point.pointIndex : [0, point.pointIndex];
    const trial = point.customdata ?? told.trial[at[0]]?.[at[1]];
    if (trial !== null && trial !== undefined) choose(trial);
  }

  async function show(page) {
    total = page.total;
    if (!form) build(page);
    await load();
  }

  return { place, show };
}

function inWords({ figure, z, y }, values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const range = `${label(figure)} from ${shown(figure, low)} to ${shown(figure, high)}`;
  const gaps = z.flat().length - values.length;
  if (y.length === 1 && y[0] === null) return `${range}. Choose a point to see its trial.`;
  const colours = low < 0 && high > 0 ? "Blue is above 0, orange below, grey is near it" : "The stronger the blue, the higher";
  return `${range}. ${colours}. ${gaps ? "Where nothing is drawn no trial was made. " : ""}Choose a cell to see its best trial.`;
}

const few = (values) => values.length <= FEW || values.some((value) => typeof value !== "number");
const axis = (values, title) => (few(values) ? { type: "category", title: { text: title } } : { type: "linear", title: { text: title } });
const said = (values) => (few(values) ? values.map(String) : values);
const spoken = (figure, depth) => (isFraction(figure) ? `%{${depth}:.2%}` : `%{${depth}:,.3~f}`);

function map(told, theme, values, result) {
  const { x, y, z, figure, names, trial } = told;
  const both = Math.min(...values) < 0 && Math.max(...values) > 0;
  const most = Math.max(...values.map(Math.abs), 1e-12);
  const written = x.length * y.length <= WRITTEN && x.length <= 14;
  return {
    traces: [
      {
        type: "heatmap", x: said(x), y: said(y), z, customdata: trial, showscale: false, hoverongaps: false,
        xgap: x.length <= FEW ? 1 : NO_GAP, ygap: y.length <= FEW ? 1 : NO_GAP,
        ...(both ? { zmin: -most, zmax: most, colorscale: [[0, theme.c2], [0.5, theme.line], [1, theme.c1]] }
          : { colorscale: theme.rising }), // no colour is that of the ground: there no trial was made
        texttemplate: written ? (isFraction(figure) ? "%{z:.1%}" : most < 1000 ? "%{z:.2f}" : "%{z:.3s}") : "",
        hovertemplate: `${names.x} %{x}, ${names.y} %{y}<br>${label(figure)} ${spoken(figure, "z")}<extra></extra>`,
      },
      ...[["best", "diamond-open", result?.sweep?.best], ["best neighbourhood", "circle-open", result?.sweep?.plateau]]
        .filter(([, , found]) => found).map(([name, symbol, found]) => ({
          type: "scatter", mode: "markers", name, customdata: [found.trial], x: [near(x, found.params[names.x])], y: [near(y, found.params[names.y])],
          marker: { symbol, size: 24, color: theme.text, line: { width: 2 } }, hovertemplate: `${name}<extra></extra>`,
        })),
    ],
    layout: { hovermode: "closest", showlegend: Boolean(result?.sweep?.best), xaxis: axis(x, names.x), yaxis: axis(y, names.y), margin: { l: 60, r: 15, t: 12, b: 50 } },
  };
}

// Where a value stands on an axis: in its own place, or where its stretch has its middle.
function near(values, value) {
  if (few(values)) return String(value);
  return values.reduce((best, other) => (Math.abs(other - value) < Math.abs(best - value) ? other : best));
}

function line({ x, z, figure, names, trial }, theme) {
  return {
    traces: [{
      type: "scatter", mode: few(x) && typeof x[0] !== "number" ? "markers" : "lines+markers", x: typeof x[0] === "number" ? x : said(x), y: z[0], customdata: trial[0], line: { color: theme.c1, width: 1.4 },
      marker: { size: 6, color: theme.c1 }, hovertemplate: `${names.x} %{x}: ${spoken(figure, "y")}<extra></extra>`,
    }],
    layout: { hovermode: "closest", xaxis: { title: { text: names.x } }, yaxis: { title: { text: label(figure) }, tickformat: isFraction(figure) ? ".0%" : "" }, margin: { l: 65, r: 15, t: 12, b: 50 } },
  };
}
