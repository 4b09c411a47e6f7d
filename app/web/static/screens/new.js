// A new run of any kind. The request is one object; every input edits it, the API checks it while it is being written.
import { call, Refused } from "../core/api.js";
import { actions, card, element, folded, grid, header, lay, notice, tabs } from "../core/dom.js";
import { once, tryingOut } from "../core/forms.js";
import { counted } from "../core/format.js";
import { go, remember } from "../core/router.js";
import { complain, input, schemas } from "../core/schema.js";
import { beginning } from "./new/beginning.js";
import { data } from "./new/data.js";
import { search } from "./new/search.js";
import { sleeves } from "./new/sleeves.js";
import { strategy } from "./new/strategy.js";
import { told } from "./new/told.js";

const KINDS = [
  { name: "run", title: "Backtest", schema: "Run" },
  { name: "sweep", title: "Sweep", schema: "Sweep" },
  { name: "walkforward", title: "Walk forward", schema: "Walkforward" },
  { name: "montecarlo", title: "Monte Carlo", schema: "MonteCarlo" },
  { name: "portfolio", title: "Portfolio", schema: "Portfolio" },
];
const FIRST = ["fill", "commission_bps", "slippage_bps", "max_leverage", "stop_loss", "take_profit", "trailing_stop", "allow_short"];
// Inputs of their own, or none.
const ELSEWHERE = new Set(["strategy_id", "params", "dataset", "symbols", "start_date", "end_date", "benchmark", "initial_capital", "config",
  "grid", "random", "bayesian", "objective", "constraints", "cpcv", "strategies", "seed", "tags"]);

export async function open(place, { query, signal }) {
  const [described, { strategies }, { datasets }] = await Promise.all([
    schemas(), call("/strategies", { signal }), call("/datasets", { signal })]);
  const start = await beginning(query, described, signal);
  let kind = KINDS.find(({ name }) => name === start.kind) ?? KINDS[0];
  let body = start.body;

  const form = element("form", { class: "screen", id: "request", tabindex: -1, onsubmit: submit, novalidate: true });
  const verdict = element("div");
  const run = element("button", { class: "primary", form: "request", disabled: true }, "Run");
  const elsewhere = element("div");
  const bar = element("div");
  place.append(header("New run"), bar, element("div", { class: "beside" }, form,
    element("div", { class: "screen sticky" }, card(null, verdict, actions(run)), elsewhere)));
  form.addEventListener("input", changed);

  function build() {
    lay(bar, tabs(KINDS.map(({ name, title }) => [name, title]), kind.name, choose));
    const schema = described[kind.schema];
    const rest = element("div", { class: "screen" });
    const world = { body, strategies, datasets, described, schema, changed, rebuild };
    lay(form, kind.name !== "portfolio" && strategy(world), rest);
    rebuild();

    // What depends on the strategy.
    function rebuild() {
      lay(rest, kind.name === "portfolio" ? sleeves(world) : data(world), ["sweep", "walkforward"].includes(kind.name) && search(world),
        own(schema), simulation(schema));
      changed();
    }
  }

  // What only this kind of run is asked.
  function own(schema) {
    const fields = Object.entries(schema.properties).filter(([name]) => !ELSEWHERE.has(name));
    if (kind.name === "portfolio") fields.unshift(...["start_date", "end_date"].map((name) => [name, schema.properties[name]]));
    return fields.length ? [card(kind.title, grid(fields.map(([name, one]) => input(`/${name}`, one, body))))] : [];
  }

  function simulation(schema) {
    const fields = schema.properties.config.properties;
    const entry = (name) => input(`/config/${name}`, fields[name], body);
    const rest = Object.keys(fields).filter((name) => !FIRST.includes(name) && name !== "initial_capital");
    return card("Simulation",
      grid(input("/initial_capital", schema.properties.initial_capital, body), FIRST.map(entry)),
      folded("More", grid(rest.map(entry),
        input("/seed", schema.properties.seed, body), input("/tags", schema.properties.tags, body))));
  }

  // What one kind has and the other does not is put aside, not lost.
  function choose(name) {
    kind = KINDS.find((one) => one.name === name);
    remember({ kind: name });
    build();
  }

  function request() {
    const known = described[kind.schema].properties;
    return Object.fromEntries(Object.entries(body).filter(([name]) => name in known));
  }

  function changed() {
    check.soon();
    remember({ kind: kind.name, strategy: body.strategy_id, dataset: body.dataset });
  }

  // What the API makes of the request, without running it.
  const check = tryingOut(
    () => call(`/backtest/${kind.name}`, { method: "POST", body: request(), query: { dry_run: true }, signal }),
    (answer, refusal) => tell(refusal?.problem, answer?.estimate), signal);

  function tell(problem, estimate) {
    const loose = complain(form, problem);
    run.disabled = Boolean(problem?.pointer ?? problem?.errors); // what is not about the request can be tried again
    lay(verdict, problem
      ? [element("h2", {}, "Not yet"), ...(loose.length ? loose : [problem.detail]).map((text) => notice(text, "bad"))]
      : [element("h2", {}, "Ready"), element("p", {}, sized(estimate))]);
    lay(elsewhere, told(kind.name, request()));
  }

  function submit(event) {
    event.preventDefault();
    return once(run, send);
  }

  async function send() {
    const unchanged = check.stop();
    try {
      const job = await call(`/backtest/${kind.name}`, { method: "POST", body: request() });
      go(`job/${job.job_id}`);
    } catch (error) {
      if (!(error instanceof Refused) || !unchanged()) throw error; // what is there by now is another one
      tell(error.problem);
      (form.querySelector("[aria-invalid]") ?? form).focus();
    }
  }

  build();
}

function sized(estimate) {
  const said = ["bar", "symbol", "sleeve", "trial", "fold", "path", "run"].filter((word) => estimate[`${word}s`] !== undefined)
    .map((word) => counted(estimate[`${word}s`], word));
  return said.join(" · ") || "The request is valid.";
}
