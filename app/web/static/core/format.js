// How figures, times and states are told. What is not defined for a run is a dash, never a number.
import { element, notice } from "./dom.js";

// The units of metrics, as the engine has them.
const FRACTIONS = new Set(["total_return", "cagr", "annual_volatility", "max_drawdown", "var_95", "cvar_95", "win_rate", "exposure",
  "best_day", "worst_day", "downside_deviation", "alpha", "tracking_error", "psr"]);
const MONEY = new Set(["final_equity", "expectancy", "average_win", "average_loss", "total_commission", "total_slippage", "total_borrow",
  "total_funding", "total_interest"]);
const NAMES = {
  cagr: "CAGR", var_95: "VaR 95", cvar_95: "CVaR 95", psr: "PSR", mae: "MAE", mfe: "MFE", pnl: "P&L", var_breach: "VaR breach",
  walkforward: "Walk forward", montecarlo: "Monte Carlo", monte_carlo: "Monte Carlo", lookahead: "Look-ahead check",
};

export const VERDICTS = { clean: "clean", looks_ahead: "looks ahead", unchecked: "not checked yet" };
export const NONE = "–";
export const DAY_MS = 86_400_000;

// Whole numbers as they are, others with so many digits after the point, so that they stand below each other.
export function number(value, digits = 2) {
  if (value === null || value === undefined) return NONE;
  return value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: Number.isInteger(value) ? 0 : digits });
}

// "1 trial", "1,200 trials".
export function counted(count, noun) {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

export function percent(value, digits = 2) {
  return value === null || value === undefined ? NONE : `${(value * 100).toFixed(digits)} %`;
}

export function money(value) {
  return value === null || value === undefined ? NONE : value.toLocaleString("en", { maximumFractionDigits: 0 });
}

export function figure(name, value) {
  if (FRACTIONS.has(name)) return percent(value);
  if (MONEY.has(name)) return money(value);
  return number(value, 3);
}

export function isFraction(name) {
  return FRACTIONS.has(name);
}

export function label(name) {
  if (NAMES[name]) return NAMES[name];
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

// Signs are told by words and by colour: "good" and "bad" never stand for something that the text does not say.
export function signed(text, value) {
  return element("span", { class: value > 0 ? "good" : value < 0 ? "bad" : null }, text);
}

// UTC, with the local time on hover.
export function when(iso, { date = true, seconds = true } = {}) {
  if (!iso) return NONE;
  const moment = new Date(iso);
  const [day, clock] = moment.toISOString().split("T");
  const time = clock.slice(0, seconds ? 8 : 5);
  return element("time", { datetime: iso, title: `${moment.toLocaleString()} here` }, `${date ? `${day} ` : ""}${time} UTC`);
}

// Of a bar: its day, and its time where it has one.
export function bar(iso) {
  return iso?.includes("T00:00:00") ? element("time", { class: "nowrap", datetime: iso }, day(iso)) : when(iso, { seconds: false });
}

export function day(iso) {
  return iso ? iso.slice(0, 10) : NONE;
}

// The same as a cell of a table, which is never broken into lines.
export function date(iso) {
  return iso ? element("time", { datetime: day(iso) }, day(iso)) : NONE;
}

// The day so many days after another one.
export function later(iso, days) {
  return day(new Date(Date.parse(iso) + days * DAY_MS).toISOString());
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`.replace(" 0 s", "");
  if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} h`.replace(".0", "");
  return `${Math.round(seconds / 86400)} days`;
}

// The first of many names.
export function several(names, most = 6) {
  return `${names.slice(0, most).join(", ")}${names.length > most ? ` and ${number(names.length - most)} more` : ""}`;
}

// The value of a parameter or a threshold, with the digits that it has.
export function setting(value) {
  if (value === null || value === undefined) return NONE;
  return typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 4 }) : String(value);
}

export function params(values) {
  return Object.entries(values ?? {}).map(([name, value]) => `${name} ${setting(value)}`).join(", ") || "no parameters";
}

// What a job is called.
export function title(job) {
  const about = [job.strategy_id, job.dataset_id].filter(Boolean).join(" on ");
  return job.kind === "backtest" ? about : `${label(job.kind)}${about && ` of ${about}`}`;
}

// A job's state.
export function state(job) {
  return marked(job.status === "running" && job.cancel_requested_at ? "cancelling" : job.status);
}

// How something stands, with the mark of a state beside its word, so that the colour is not all that tells.
export function marked(name, mark = name) {
  return element("span", { class: `state ${mark}` }, name);
}

// Whether a strategy looks ahead.
export function verdict(name) {
  return element("span", { class: { clean: "good", looks_ahead: "bad" }[name] ?? "quiet" }, VERDICTS[name]);
}

// Real data need no word; everything else is marked wherever its figures are shown.
export function quality(name) {
  return !name || name === "real" ? null : element("span", { class: "mark", title: "It says nothing about real markets." }, name);
}

// The same as a sentence above the figures.
export function caution(name, what = `Computed from ${name} data`) {
  return !name || name === "real" ? null : notice(`${what}: that says nothing about real markets.`);
}

// Which version of what somebody may change, by whom and since when.
export function changed({ version, changed_by: by, changed_at: at }) {
  return [`Version ${version}, by ${by} on `, when(at), ". "];
}
