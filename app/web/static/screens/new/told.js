// The same request for a terminal, a script, and the command line.
import { actions, card, element, tabs } from "../../core/dom.js";
import { copying } from "../../core/forms.js";
import { written } from "./search.js";

let last = "curl";

export function told(kind, body) {
  const text = element("pre", { tabindex: 0, "aria-label": "the request" });
  const ways = { curl: curl(kind, body), CLI: commandLine(kind, body), Python: python(kind, body), JSON: JSON.stringify(body, null, 2) };
  const show = (name) => {
    last = name;
    text.textContent = ways[name];
  };
  show(last);
  return card("Copy as", tabs(Object.keys(ways).map((name) => [name, name]), last, show), text, actions(copying(text)));
}

function quoted(text) {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function curl(kind, body) {
  return [`curl ${location.origin}/api/v1/backtest/${kind}`, '-H "Authorization: Bearer $QUEUANT_API_KEY"', '-H "Content-Type: application/json"',
    `-d ${quoted(JSON.stringify(body))}`].join(" \\\n  ");
}

// A portfolio is read from a file; the others have an option for each field.
function commandLine(kind, body) {
  if (kind === "portfolio") return `queuant portfolio - <<'END'\n${JSON.stringify(body, null, 2)}\nEND`;
  const { strategy_id: id, params = {}, grid = {}, config = {}, ...rest } = body;
  const words = [`queuant ${kind} ${quoted(id)}`];
  for (const [name, value] of Object.entries(params)) words.push(`-p ${quoted(`${name}=${value}`)}`);
  for (const [name, value] of Object.entries(grid)) words.push(`--grid ${quoted(`${name}=${written(value)}`)}`);
  for (const [name, value] of Object.entries(config)) words.push(`-c ${quoted(`${name}=${value}`)}`);
  for (const [name, value] of Object.entries(rest)) words.push(...option(name, value));
  return words.join(" ");
}

const OPTIONS = { start_date: "start", end_date: "end", initial_capital: "capital", tags: "tag" };

function option(name, value) {
  const flag = `--${(OPTIONS[name] ?? name).replaceAll("_", "-")}`;
  if (name === "symbols") return [`--symbols ${quoted(value.join(","))}`];
  if (name === "random" || name === "bayesian") return [`${flag} ${value.trials}`];
  if (name === "constraints") return Object.entries(value).flatMap(([metric, sides]) => constraint(metric, sides));
  if (typeof value === "boolean") return value ? [flag] : [];
  return [value].flat().map((one) => `${flag} ${quoted(String(one))}`);
}

function constraint(metric, { min, max }) {
  const said = [[">=", min], ["<=", max]].filter(([, bound]) => bound !== undefined && bound !== null);
  return said.map(([sign, bound]) => `--constraint ${quoted(`${metric}${sign}${bound}`)}`);
}

function python(kind, body) {
  const { strategy_id: id, strategies, ...rest } = body;
  const method = { run: "backtest" }[kind] ?? kind;
  const first = kind === "portfolio" ? literal(strategies) : literal(id);
  const more = Object.entries(rest).map(([name, value]) => `    ${name}=${literal(value)},\n`).join("");
  return `from app.client import Client\n\njob = Client().${method}(\n    ${first},\n${more})\nprint(job.wait().result().metrics)`;
}

// JSON as Python writes it.
function literal(value) {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one)}`).join(", ")}}`;
  return JSON.stringify(value);
}
