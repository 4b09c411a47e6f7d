// The limits of the book: what is used of each, and the form that sets them.
import { call } from "../../core/api.js";
import { card, element, empty, field, table } from "../../core/dom.js";
import { numeric, submits } from "../../core/forms.js";
import { NONE, percent, when } from "../../core/format.js";

const LIMITS = [
  ["gross", "Gross exposure", "Sizes of all positions."], ["net", "Net exposure", "Sum of all positions, either way."],
  ["instrument", "One instrument", "Size of its position."], ["strategy", "One strategy", "Sizes of what it holds."],
  ["var_95", "VaR 95 %", "One session, the largest of its methods."], ["var_99", "VaR 99 %", "One session, the largest of its methods."],
  ["drawdown", "Drawdown", "Fall from the highest equity."], ["stress", "Worst scenario", "Loss in it."],
];
const TITLES = Object.fromEntries(LIMITS.map(([name, title]) => [name, title]));

export function limitsUsed({ usage, status }) {
  const rows = [...usage].sort((a, b) => (b.utilisation ?? -1) - (a.utilisation ?? -1));
  return card("Limits", rows.length ? [element("p", { class: "quiet" }, "The worst: ", standing(status), ". A limit tells and stops nothing; alerts follow from it."),
    element("div", { class: "tall" }, table(COLUMNS, rows, { label: "use of the limits" }))]
    : empty("Nothing is used of them before the book is open."));
}

const COLUMNS = [
  { title: "Limit", show: (row) => TITLES[row.limit] ?? row.limit, sort: (row) => row.limit },
  { title: "Of", show: (row) => row.symbol ?? row.strategy_id ?? "the book", sort: (row) => row.symbol ?? row.strategy_id },
  { title: "Used", show: used, sort: (row) => row.utilisation },
  { title: "Value", number: true, show: (row) => percent(row.value), sort: (row) => row.value },
  { title: "Limit", number: true, show: (row) => (row.bound === null ? "none" : percent(row.bound)), sort: (row) => row.bound },
  { title: "State", show: (row) => (row.status ? standing(row.status) : row.reason ?? NONE), sort: (row) => row.utilisation },
];

function used({ limit, utilisation }) {
  if (utilisation === null) return NONE;
  return element("div", { class: "used" }, element("progress", { max: 1, value: Math.min(utilisation, 1), "aria-label": `use of ${TITLES[limit] ?? limit}` }), percent(utilisation, 0));
}

function standing(name) {
  return name ? element("span", { class: `state ${name}` }, name) : "not known";
}

export function limitsEditor(stands, onSaved) {
  const inputs = Object.fromEntries(LIMITS.map(([name]) => [name, element("input", { name: `/${name}`, type: "number", step: "any", value: stands.limits[name] ?? "", placeholder: "no limit" })]));
  const about = element("p", { class: "quiet" });
  const form = element("form", { onsubmit: submits(save) },
    element("div", { class: "grid" }, LIMITS.map(([name, title, hint]) => field(title, inputs[name], hint))),
    element("div", { class: "actions" }, element("button", { class: "primary" }, "Set the limits")));

  async function save() {
    const body = Object.fromEntries(LIMITS.map(([name]) => [name, numeric(inputs[name]) ?? null]));
    tell(await call("/risk/limits", { method: "PUT", body }));
    await onSaved();
  }

  function tell({ version, changed_by: by, changed_at: at }) {
    about.replaceChildren(...(version ? [`Version ${version}, by ${by} on `, when(at), ". "] : ["As built. "]), "Parts of equity: 1.5 is 150 %. What is left empty is no limit.");
  }

  tell(stands);
  return element("details", { class: "card" }, element("summary", {}, "Set the limits"), about, form);
}
