// A request to begin with: that of a job (`like`), or what the address names.
import { call, Refused } from "../../core/api.js";

const OF_RESULTS = { backtest: "run" }; // jobs call one kind by another name
const VERSIONS = ["dataset_version", "strategy_version", "engine_version"]; // a new run takes those of today

export async function beginning(query, described, signal) {
  const named = { strategy_id: query.get("strategy") ?? "sma_cross" };
  if (query.get("dataset")) named.dataset = query.get("dataset");
  if (query.get("params")) named.params = parsed(query.get("params"));
  if (!query.get("like")) return { kind: query.get("kind"), body: named };
  const { kind, request } = await call(`/jobs/${encodeURIComponent(query.get("like"))}/result`, { query: { points: 10 }, signal });
  const body = posted(request, described);
  if (named.params) return { kind: "run", body: { ...ofRun(body, described), params: named.params } }; // a trial of a search
  return { kind: query.get("kind") ?? OF_RESULTS[kind] ?? kind, body };
}

function parsed(text) {
  try {
    const said = JSON.parse(text);
    if (said?.constructor === Object) return said;
  } catch {
    // told below
  }
  throw new Refused({ detail: `'params' in the address must be a JSON object like {"fast": 10}; it is ${text}.` });
}

function ofRun(body, described) {
  return Object.fromEntries(Object.entries(body).filter(([name]) => name in described.Run.properties));
}

// What a result's request was posted as: that one has every default filled in and its fields in groups.
function posted(request, described) {
  const { dataset_id: dataset, config: { initial_capital, ...config } = {}, sweep, walkforward, mandate, sleeves, ...rest } = request;
  const body = { ...rest, dataset, initial_capital, config: unusual(config, described.Run.properties.config), ...searched(sweep), ...walkforward, ...mandate };
  if (sleeves) Object.assign(body, { strategies: sleeves.map(sleeve), config: unusual(sleeves[0].config, described.Run.properties.config) });
  for (const name of VERSIONS) delete body[name];
  return unusual(body, described.Run);
}

function sleeve({ name, weight, strategy_id, params, dataset_id: dataset, symbols }) {
  return unusual({ name, weight, strategy_id, params, dataset, symbols }, { properties: {} });
}

function searched({ method, grid, trials, objective, constraints, each_symbol, top, round } = {}) {
  const drawn = { random: { random: { trials } }, bayesian: { bayesian: { trials, round } } }[method];
  return { grid, objective, constraints, each_symbol, top, ...drawn };
}

// What is not said, and what the API would take anyway, is left out.
function unusual(values, schema) {
  return Object.fromEntries(Object.entries(values).filter(([name, value]) =>
    value !== undefined && value !== null && value !== schema.properties[name]?.default && !(typeof value === "object" && !Object.keys(value).length)));
}
