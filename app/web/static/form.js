// The form of a new backtest. Its fields come from the strategies' JSON Schemas and the catalog.
import { call, element, Refused } from "./api.js";

const form = document.getElementById("new");
const refusal = document.getElementById("refusal");
const params = document.getElementById("params");
const own = "";

export async function prepare(onJob) {
  const [{ strategies }, { datasets }] = await Promise.all([call("/strategies"), call("/datasets")]);
  const tradable = datasets.filter((item) => item.kind === "bars");
  const chosen = () => strategies.find((item) => item.strategy_id === form.strategy_id.value);
  const data = () => tradable.find((item) => item.dataset_id === (form.dataset.value || chosen().dataset));

  const groups = [["On any prices", false], ["With legs of their own", true]].map(([label, legs]) =>
    [label, strategies.filter((item) => item.legs === legs)]);
  form.strategy_id.replaceChildren(...groups.filter(([, items]) => items.length).map(([label, items]) =>
    element("optgroup", { label }, ...items.map((item) => option(item.strategy_id)))));
  form.dataset.replaceChildren(option(own, "the strategy's own"), ...tradable.map((item) => option(item.dataset_id)));

  function showStrategy() {
    const item = chosen();
    document.getElementById("summary").textContent = `${item.summary} ${item.source}.`;
    params.replaceChildren(...Object.entries(item.parameters.properties).map(([name, schema]) => field(name, schema)));
    showData();
  }

  function showData() {
    const item = data();
    const { legs, symbols: own } = chosen();
    const symbols = form.dataset.value && !legs ? [] : own;
    form.symbols.disabled = legs; // it trades these and nothing else
    document.getElementById("origin").textContent = item
      ? `${item.title} · ${item.source} · ${item.quality} · ${item.start} to ${item.end}`
      : "";
    form.symbols.replaceChildren(...(item?.symbols ?? []).map((name) => option(name, name, symbols.includes(name))));
  }

  form.strategy_id.addEventListener("change", showStrategy);
  form.dataset.addEventListener("change", showData);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await submit(chosen(), onJob);
  });
  showStrategy();
}

async function submit(strategy, onJob) {
  const button = form.querySelector("button");
  button.disabled = true;
  refusal.hidden = true;
  try {
    onJob(await call("/backtest/run", { method: "POST", body: body(strategy) }));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refusal.textContent = error.message;
    refusal.hidden = false;
  } finally {
    button.disabled = false;
  }
}

function body(strategy) {
  const asked = { strategy_id: strategy.strategy_id, params: {} };
  for (const [name, schema] of Object.entries(strategy.parameters.properties)) {
    const input = form.elements[`param-${name}`];
    const kinds = [schema.type].flat();
    if (kinds.includes("boolean")) asked.params[name] = input.checked;
    else if (input.value !== "") asked.params[name] = kinds.includes("string") ? input.value : Number(input.value);
  }
  if (form.dataset.value) asked.dataset = form.dataset.value;
  const symbols = strategy.legs ? [] : [...form.symbols.selectedOptions].map((item) => item.value);
  if (symbols.length) asked.symbols = symbols;
  for (const name of ["start_date", "end_date"]) if (form.elements[name].value) asked[name] = form.elements[name].value;
  return asked;
}

function field(name, schema) {
  const common = { name: `param-${name}`, title: schema.description };
  if (schema.enum) {
    const options = schema.enum.filter((value) => value !== null);
    return element("label", {}, name, element("select", common, ...options.map((value) => option(value, value, value === schema.default))));
  }
  const kinds = [schema.type].flat();
  if (kinds.includes("boolean")) {
    return element("label", {}, element("input", { ...common, type: "checkbox", checked: schema.default }), name);
  }
  const step = kinds.includes("integer") ? 1 : "any";
  const bounds = { min: schema.minimum, max: schema.maximum, step };
  return element("label", {}, name, element("input", { ...common, ...bounds, type: "number", value: schema.default ?? "" }));
}

function option(value, text = value, selected = false) {
  return element("option", { value, selected }, text);
}
