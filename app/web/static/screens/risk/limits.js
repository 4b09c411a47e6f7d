// The limits of the book: what is used of each, and the form that sets them.
import { call } from "../../core/api.js";
import { actions, card, element, empty, field, grid, lay, quiet, table, tall } from "../../core/dom.js";
import { numeric, submits } from "../../core/forms.js";
import { changed, label, marked, NONE, percent } from "../../core/format.js";

const TITLES = {
  gross: "Gross exposure", net: "Net exposure", instrument: "One instrument", strategy: "One strategy",
  var_95: "VaR 95 %", var_99: "VaR 99 %", drawdown: "Drawdown", stress: "Worst scenario",
};
const titled = (name) => TITLES[name] ?? label(name);

export function limitsUsed({ usage, status }) {
  const rows = [...usage].sort((a, b) => (b.utilisation ?? -1) - (a.utilisation ?? -1));
  return card("Limits", rows.length ? [quiet("The worst: ", standing(status), ". A limit tells and stops nothing; alerts follow from it."),
    tall(table(COLUMNS, rows, { label: "use of the limits" }))]
    : empty("Nothing is used of them before the book is open."));
}

const COLUMNS = [
  { title: "Limit", show: (row) => titled(row.limit), sort: (row) => row.limit },
  { title: "Of", show: (row) => row.symbol ?? row.strategy_id ?? "the book", sort: (row) => row.symbol ?? row.strategy_id },
  { title: "Used", show: used, sort: (row) => row.utilisation },
  { title: "Value", number: true, show: (row) => percent(row.value), sort: (row) => row.value },
  { title: "Limit", number: true, show: (row) => (row.bound === null ? "none" : percent(row.bound)), sort: (row) => row.bound },
  { title: "State", show: (row) => (row.status ? standing(row.status) : row.reason ?? NONE), sort: (row) => row.utilisation },
];

function used({ limit, utilisation }) {
  if (utilisation === null) return NONE;
  return element("div", { class: "share" }, element("progress", { max: 1, value: Math.min(utilisation, 1), "aria-label": `use of ${titled(limit)}` }), percent(utilisation, 0));
}

function standing(name) {
  return name ? marked(name) : "not known";
}

// What is left empty is no limit, where elsewhere it would be the default: so its inputs are its own.
export function limitsEditor(stands, { LimitsChange: { properties } }, onSaved) {
  const names = Object.keys(stands.limits);
  const inputs = Object.fromEntries(names.map((name) => [name, element("input", { "data-pointer": `/${name}`, type: "number", step: "any", value: stands.limits[name] ?? "", placeholder: "no limit" })]));
  const about = quiet();
  const form = element("form", { onsubmit: submits(save), novalidate: true },
    grid(names.map((name) => field(titled(name), inputs[name], properties[name]?.description))),
    actions(element("button", { class: "primary" }, "Set the limits")));

  async function save() {
    const body = Object.fromEntries(names.map((name) => [name, numeric(inputs[name]) ?? null]));
    tell(await call("/risk/limits", { method: "PUT", body }));
    await onSaved();
  }

  function tell(told) {
    lay(about, told.version ? changed(told) : "As built. ", "Parts of equity: 1.5 is 150 %. What is left empty is no limit.");
  }

  tell(stands);
  return element("details", { class: "card" }, element("summary", {}, "Set the limits"), about, form);
}
