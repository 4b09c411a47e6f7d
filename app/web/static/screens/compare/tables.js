// Figures side by side, what is known of every two, and in what their requests differ.
import { card, element, quiet, table } from "../../core/dom.js";
import { figure, label, NONE, number, percent } from "../../core/format.js";
import { correlations } from "../../core/plots.js";

const FIRST = ["total_return", "cagr", "sharpe", "max_drawdown", "annual_volatility", "sortino", "calmar"];
const LEVEL = 0.05;

export function figures(runs, { columns, better }) {
  const told = columns.filter((name) => runs.some(({ metrics }) => metrics[name] !== null));
  const names = [...FIRST.filter((name) => told.includes(name)), ...told.filter((name) => !FIRST.includes(name))];
  return card("Figures", table([
    { title: "Figure", show: label },
    ...runs.map((run) => ({ title: run.letter, number: true, show: (name) => cell(name, run, runs, better[name]) })),
  ], names, { caption: runs.length > 1 ? "★ marks the best of a row, where one is better than another." : "", label: "figures side by side" }));
}

function cell(name, run, runs, direction) {
  const value = run.metrics[name];
  const values = runs.map(({ metrics }) => metrics[name]).filter((other) => other !== null && other !== undefined);
  const best = direction === "higher" ? Math.max(...values) : direction === "lower" ? Math.min(...values) : NaN;
  const marked = value === best && values.some((other) => other !== best);
  return marked ? element("strong", {}, figure(name, value), " ★") : figure(name, value);
}

export function pairs(runs, found) {
  const letter = new Map(runs.map((run) => [run.job_id, run.letter]));
  const verdict = ({ p_value: p }) => (p === null ? NONE : p < LEVEL ? "differ" : "cannot be told apart");
  return card("Pairs",
    runs.length > 2 && correlated(runs, found),
    table([
      { title: "Pair", show: ({ a, b }) => `${letter.get(a)}\u00a0and\u00a0${letter.get(b)}` },
      { title: "Correlation", number: true, show: ({ correlation }) => number(correlation), sort: ({ correlation }) => correlation },
      { title: "Sharpe difference", number: true, show: ({ sharpe_difference: value }) => number(value), sort: ({ sharpe_difference: value }) => value },
      { title: "95 % interval", number: true, show: ({ interval }) => (interval ? `${number(interval[0])} to ${number(interval[1])}` : NONE) },
      { title: "p value", number: true, show: ({ p_value: value }) => number(value, 3), sort: ({ p_value: value }) => value },
      { title: "Sharpe ratios", show: verdict },
      { title: "Drawdown overlap", number: true, show: ({ drawdown_overlap: value }) => percent(value, 0), sort: ({ drawdown_overlap: value }) => value },
      { title: "Common days", number: true, show: ({ bars }) => number(bars), sort: ({ bars }) => bars },
    ], found, { label: "every two" }),
    quiet(`On the days that both have. Two Sharpe ratios differ where the p value is below ${LEVEL}; that allows for fat tails and for days that depend on each other, not for how many were tried.`));
}

function correlated(runs, found) {
  const of = new Map(found.flatMap(({ a, b, correlation }) => [[`${a} ${b}`, correlation], [`${b} ${a}`, correlation]]));
  const names = runs.map(({ letter, job }) => `${letter} ${job.strategy_id ?? job.kind}`);
  const z = runs.map((row) => runs.map((column) => (row === column ? 1 : of.get(`${row.job_id} ${column.job_id}`) ?? null)));
  return correlations("Correlation of every two", names, runs.map(({ letter }) => letter), z);
}

export function differences(runs) {
  const asked = runs.map(({ result }) => flat(result.request));
  const said = (one, name) => one.get(name) ?? NONE;
  const names = [...new Set(asked.flatMap((one) => [...one.keys()]))].filter((name) => new Set(asked.map((one) => said(one, name))).size > 1);
  if (!names.length) return card("Differences of the requests", element("p", {}, "Their requests are the same."));
  return card("Differences of the requests", table([
    { title: "Field", show: (name) => element("code", {}, name) },
    ...runs.map(({ letter }, at) => ({ title: letter, show: (name) => shortened(said(asked[at], name)) })),
  ], names, { caption: "Only what differs.", label: "differences of the requests" }));
}

// { config: { fill } } as "config.fill"; lists stay whole.
function flat(value, prefix = "", found = new Map()) {
  for (const [name, part] of Object.entries(value)) {
    if (part !== null && typeof part === "object" && !Array.isArray(part)) flat(part, `${prefix}${name}.`, found);
    else found.set(`${prefix}${name}`, part === null ? NONE : typeof part === "object" ? JSON.stringify(part) : String(part));
  }
  return found;
}

function shortened(text) {
  return text.length > 60 ? element("span", { title: text }, `${text.slice(0, 57)} …`) : text;
}
