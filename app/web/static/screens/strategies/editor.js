// A strategy without code, written with the server looking on: what it would refuse is shown where it stands.
import { call, Refused } from "../../core/api.js";
import { actions, card, element, field, group, lay, linkButton, notice, sideBySide } from "../../core/dom.js";
import { once, tryingOut } from "../../core/forms.js";
import { address, remember } from "../../core/router.js";
import { documentOf, expression, forgive, refuse } from "./expression.js";
import { palette } from "./palette.js";
import { parameterRows } from "./rows.js";

const EXAMPLE = {
  name: "Golden cross",
  params: {
    fast: { type: "int", min: 2, max: 200, default: 50, doc: "Bars of the fast average." },
    slow: { type: "int", min: 3, max: 400, default: 200, doc: "Bars of the slow average." },
  },
  entry: "cross_above(sma(close, fast), sma(close, slow))", exit: "cross_below(sma(close, fast), sma(close, slow))",
};

export async function open(place, { query, signal }) {
  const { functions } = await call("/strategies/expressions/functions", { signal });
  const given = query.get("of") ? (await call(`/strategies/${encodeURIComponent(query.get("of"))}`, { signal })).spec : null;
  const status = element("div", { role: "status" });
  const rows = parameterRows(changed);
  const entries = group("Entries and exits",
    sideBySide(
      expression("/entry", "Open a long position when", EXAMPLE.entry), expression("/exit", "Close it when", EXAMPLE.exit),
      expression("/short_entry", "Open a short position when", "none"), expression("/short_exit", "Close it when", "none")));
  const weight = group("Weight",
    expression("/weight", "Fraction of equity of each symbol, negative for short", "where(rank(roc(close, 252)) > 0.8, 5 / symbol_count, 0)"),
    field("Cut to plus and minus", element("input", { name: "/max_weight", type: "number", step: "any", placeholder: 1 })));
  const form = element("form", { oninput: changed, onsubmit: send },
    field("Name", element("input", { name: "/name", required: true, maxlength: 64, placeholder: "Golden cross" }), "Its id is made of it. The same name again is its next version."),
    group("It says",
      ...[["entries", "when to enter and when to leave"], ["weight", "how much to hold"]].map(([value, text]) =>
        element("label", {}, element("input", { type: "radio", name: "kind", value, checked: value === "entries", onchange: choose }), text))),
    entries, weight, rows.fieldset,
    actions(element("button", { class: "primary" }, "Post it"),
      element("button", { type: "button", onclick: () => fill(EXAMPLE) }, "Fill in an example")), status);

  function choose() {
    const weighs = form.elements.kind.value === "weight";
    weight.hidden = !weighs;
    entries.hidden = weighs;
  }

  function fill(spec) {
    form.elements["/name"].value = spec.name;
    form.elements.kind.value = spec.weight ? "weight" : "entries";
    for (const name of ["entry", "exit", "short_entry", "short_exit", "weight", "max_weight"]) form.elements[`/${name}`].value = spec[name] ?? "";
    rows.fill(spec.params ?? {});
    choose();
    changed();
  }

  function changed() {
    check.soon();
  }

  const check = tryingOut(async () => {
    const body = documentOf(form, rows);
    if (!body.entry && !body.short_entry && !body.weight) return null; // nothing is written yet
    return { named: body.name, ...await call("/strategies/expressions/validate", { method: "POST", body: { ...body, name: body.name || "unnamed" }, signal }) };
  }, (answer, refusal) => {
    forgive(form);
    if (refusal) refuse(form, rows, status, refusal);
    else lay(status, answer && notice(`It can be posted, as ${answer.named ? answer.strategy_id : "soon as it has a name"}. With the default parameters it decides from bar ${answer.lookback} on.`));
  }, signal);

  function send(event) {
    event.preventDefault();
    return once(event.submitter ?? form, post);
  }

  async function post() {
    const unchanged = check.stop();
    forgive(form);
    try {
      const told = await call("/strategies/expressions", { method: "POST", body: documentOf(form, rows), signal });
      remember({ of: told.strategy_id });
      lay(status,
        notice(`${told.strategy_id} is on the shelf, at version ${told.version}.`),
        actions(linkButton(address(`strategies/${told.strategy_id}`), "Look at it"),
          linkButton(address("new", { strategy: told.strategy_id }), "Run it")));
    } catch (error) {
      if (!(error instanceof Refused) || !unchanged()) throw error; // what is written by now is another one
      refuse(form, rows, status, error);
    }
  }

  place.append(element("div", { class: "beside" }, card("Write a strategy", form), palette(functions, form)));
  choose();
  if (given) fill(given);
}
