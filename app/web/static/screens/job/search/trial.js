// One trial: its parameters and figures, and the way to run it as a backtest of its own.
import { call } from "../../../core/api.js";
import { actions, card, element, facts, linkButton, notice } from "../../../core/dom.js";
import { action } from "../../../core/forms.js";
import { figure, label, number, setting } from "../../../core/format.js";
import { address, go } from "../../../core/router.js";

export async function one({ job, result, signal }, trial) {
  const { trials } = await call(`/jobs/${job.job_id}/trials`, { query: { trial }, signal });
  return element("div", { class: "screen" }, trials.map((found) => told(found, result)));
}

function told(trial, result) {
  const said = element("div");
  const run = action("Run this one", said, async () => {
    const taken = await call("/backtest/run", { method: "POST", body: asRun(result.request, trial) });
    go(`job/${taken.job_id}`);
  }, { class: "primary" });

  return card(`Trial ${number(trial.trial)}${trial.symbol ? ` on ${trial.symbol}` : ""}`,
    facts(Object.entries(trial.params).map(([name, value]) => [name, setting(value)])),
    element("hr"),
    facts(Object.entries(trial.figures).map(([name, value]) => [label(name), figure(name, value)])),
    trial.error && notice(trial.error, "bad"),
    result && actions(run,
      !trial.symbol && linkButton(address("new", { like: result.job_id, params: JSON.stringify(trial.params) }), "Change and run"), said));
}

// The request of a search, said as that of one of its trials. Costs and dates are those of the search.
function asRun(request, trial) {
  const config = Object.fromEntries(Object.entries(request.config).filter(([, value]) => value !== null));
  return {
    strategy_id: request.strategy_id, params: { ...request.params, ...trial.params },
    dataset: `${request.dataset_id}@${request.dataset_version}`, symbols: trial.symbol ? [trial.symbol] : request.symbols,
    start_date: request.start_date, end_date: request.end_date, config, benchmark: request.benchmark, seed: request.seed,
  };
}
