// What is searched: for each parameter its values, in the words of the command line (5:50:5, or 5,10,20, or 5:50:log).
import { card, element, field, grid, quiet, select } from "../../core/dom.js";
import { input, put } from "../../core/schema.js";

const METHODS = { grid: "every combination", random: "a random draw", bayesian: "chosen by what was found (Bayesian)" };
const TRIALS = 200;

export function search({ body, strategies, described, schema, rebuild }) {
  const chosen = strategies.find(({ strategy_id: id }) => id === body.strategy_id);
  const method = body.random ? "random" : body.bayesian ? "bayesian" : "grid";
  const methods = Object.keys(METHODS).filter((name) => name === "grid" || name in schema.properties);
  return card("Search",
    grid(
      field("Trials", select({
        onchange: (event) => {
          for (const name of ["random", "bayesian"]) put(body, `/${name}`, name === event.target.value ? { trials: TRIALS } : undefined);
          rebuild();
        },
      }, methods.map((name) => [name, METHODS[name]]), method)),
      method === "grid" ? "" : Object.entries(described[method === "random" ? "Random" : "Bayesian"].properties).map(([name, one]) =>
        input(`/${method}/${name}`, one, body)),
      input("/objective", { type: "string", default: "sharpe", description: "The metric that ranks them; several by commas." }, objective(body))),
    element("div", { class: "grid", "data-pointer": "/grid" }, Object.keys(chosen?.parameters.properties ?? {}).map((name) => axis(name, body))),
    quiet("5:50:5 is from 5 to 50 by 5; 5,10,20 are values; 5:50 is all between (5:50:log evenly over the orders of magnitude). Empty: it stays as above."),
    constraint(body));
}

// Several objectives are a list.
function objective(body) {
  return new Proxy(body, {
    get: (_, name) => (name === "objective" ? [body.objective ?? []].flat().join(", ") || undefined : body[name]),
    set: (_, name, value) => {
      const names = value.split(",").map((text) => text.trim()).filter(Boolean);
      body[name] = names.length > 1 ? names : names[0];
      return true;
    },
  });
}

function axis(name, body) {
  const pointer = `/grid/${name}`;
  const shown = element("input", {
    value: written(body.grid?.[name]), placeholder: "stays", "data-pointer": pointer,
    oninput: (event) => put(body, pointer, axisOf(event.target.value)),
  });
  return field(name, shown);
}

function constraint(body) {
  const [name = "", { min = "" } = {}] = Object.entries(body.constraints ?? {})[0] ?? [];
  const metric = element("input", { value: name, placeholder: "total_trades", "data-pointer": "/constraints", oninput: change });
  const least = element("input", { type: "number", value: min, step: "any", placeholder: "none", oninput: change });
  function change() {
    put(body, "/constraints", metric.value && least.value !== "" ? { [metric.value]: { min: Number(least.value) } } : undefined);
  }
  return grid(field("Only trials whose", metric), field("is at least", least));
}

// "5:50:5" as the API wants it; undefined for nothing.
function axisOf(text) {
  const said = text.trim();
  if (!said) return undefined;
  if (!said.includes(":")) return said.split(",").map((one) => value(one.trim()));
  const [low, high, step] = said.split(":").map((one) => value(one.trim()));
  if (step === undefined) return { low, high };
  return step === "log" ? { low, high, log: true } : { start: low, stop: high, step };
}

function value(text) {
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

// The same the other way round.
export function written(said) {
  if (said === undefined) return "";
  if (Array.isArray(said)) return said.join(",");
  if ("low" in said) return `${said.low}:${said.high}${said.log ? ":log" : ""}`;
  return `${said.start}:${said.stop}:${said.step ?? 1}`;
}
