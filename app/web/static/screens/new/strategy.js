// Which strategy, and its parameters.
import { card, element, field, lay, quiet } from "../../core/dom.js";
import { address } from "../../core/router.js";
import { input } from "../../core/schema.js";

// The list itself stays while one is chosen from it: typing its name takes several strokes.
export function strategy({ body, strategies, rebuild }) {
  const about = element("div");

  function show() {
    const chosen = strategies.find(({ strategy_id: id }) => id === body.strategy_id);
    lay(about, chosen && [
      quiet(`${chosen.summary} ${chosen.source}. `, element("a", { href: address(`strategies/${chosen.strategy_id}`) }, "More")),
      parameters(chosen, body)]);
  }

  show();
  return card("Strategy", field("Strategy", picker(strategies, body.strategy_id, (id) => {
    body.strategy_id = id;
    delete body.params;
    delete body.grid;
    delete body.symbols;
    show();
    rebuild();
  })), about);
}

export function picker(strategies, chosen, onChoose) {
  const groups = [["On any prices", false], ["With legs of their own", true]];
  const known = strategies.some(({ strategy_id: id }) => id === chosen);
  return element("select", { "data-pointer": "/strategy_id", onchange: (event) => onChoose(event.target.value) },
    known ? "" : element("option", { selected: true }, chosen),
    groups.map(([label, legs]) => element("optgroup", { label }, strategies.filter((item) => item.legs === legs).map((item) =>
      element("option", { value: item.strategy_id, selected: item.strategy_id === chosen }, item.strategy_id)))));
}

// An input for each parameter, with the pointer `/params/…` below `under`.
export function parameters(chosen, body, under = "") {
  const fields = Object.entries(chosen.parameters.properties);
  if (!fields.length) return quiet("It has no parameters.");
  return element("div", { class: "grid", "data-pointer": `${under}/params` }, fields.map(([name, schema]) =>
    input(`${under}/params/${name}`, schema, body, { label: name })));
}
