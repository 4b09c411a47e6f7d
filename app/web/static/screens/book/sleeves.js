// The strategies of the book and their shares: all that speak, or a list.
import { element, field, group, lay, select } from "../../core/dom.js";
import { setting } from "../../core/format.js";
import { numeric } from "../../core/forms.js";

export function sleeves(strategies, shelf) {
  const everyone = strategies === "all";
  const rows = [];
  const list = element("div");
  const sum = element("p", { class: "quiet", "aria-live": "polite" });
  const all = element("input", { type: "radio", name: "who", checked: everyone, onchange: arrange });
  const some = element("input", { type: "radio", name: "who", checked: !everyone, onchange: arrange });
  const add = element("button", { type: "button", onclick: () => append({ strategy_id: unused(), weight: null }) }, "Add a strategy");
  const chosen = element("div", {}, list, sum, add);

  function append({ strategy_id: id, weight }) {
    const known = shelf.includes(id) || !id ? shelf : [id, ...shelf]; // one that has gone keeps its share
    const row = { strategy: select({}, known, id), weight: element("input", { type: "number", step: "any", min: 0, value: weight ?? "", placeholder: "equal", oninput: total }) };
    row.shown = element("div", { class: "sleeve" }, field("Strategy", row.strategy), field("Share", row.weight),
      element("button", { type: "button", "aria-label": `Remove ${id}`, onclick: () => remove(row) }, "Remove"));
    rows.push(row);
    arrange();
  }

  function remove(row) {
    rows.splice(rows.indexOf(row), 1);
    arrange();
    (rows.at(-1)?.strategy ?? add).focus();
  }

  function unused() {
    const taken = rows.map(({ strategy }) => strategy.value);
    return shelf.find((id) => !taken.includes(id)) ?? shelf[0];
  }

  // Inputs are named by their place in the body, which changes with the list.
  function arrange() {
    chosen.hidden = all.checked;
    rows.forEach((row, at) => {
      row.strategy.dataset.pointer = `/strategies/${at}/strategy_id`;
      row.weight.dataset.pointer = `/strategies/${at}/weight`;
    });
    lay(list, rows.map(({ shown }) => shown));
    total();
  }

  function total() {
    const given = rows.map(({ weight }) => numeric(weight)).filter((value) => value !== undefined);
    sum.textContent = !given.length ? `${rows.length} strategies with equal shares.`
      : given.length < rows.length ? "Give a share to all of them, or to none." : `Shares sum to ${setting(given.reduce((a, b) => a + b, 0))}.`;
  }

  if (everyone) arrange();
  else strategies.forEach(append);
  return {
    shown: group("Strategies",
      element("label", {}, all, "Every strategy that speaks, with equal shares"), element("label", {}, some, "These"), chosen),
    value: () => (all.checked ? "all" : rows.map(({ strategy, weight }) => ({ strategy_id: strategy.value, weight: numeric(weight) }))),
  };
}
