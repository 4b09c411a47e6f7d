// How the book is made up: strategies and their shares, capital, fills and costs, breaker.
import { call, Refused } from "../../core/api.js";
import { card, element, field, notice, select } from "../../core/dom.js";
import { numeric, submits } from "../../core/forms.js";
import { when } from "../../core/format.js";
import { sleeves } from "./sleeves.js";

const FILLS = [["", "at the open where there are opens"], ["next_open", "next open"], ["next_close", "next close"]];
const REBALANCES = ["drift", "on_change", "daily", "weekly", "monthly"];
// What has a field of its own: name, label, hint. The rest of the configuration is JSON.
const NUMBERS = [
  ["drift_band", "Drift band", "Part of equity that a weight may stray."], ["max_leverage", "Most leverage", "Gross exposure / equity."],
  ["commission_bps", "Commission, bp", "Of what is traded."], ["slippage_bps", "Slippage, bp", "Worse than the price."],
  ["borrow_bps", "Borrow, bp a year", "Of shorts."],
];
const OWN = ["fill", "rebalance", "allow_short", ...NUMBERS.map(([name]) => name)];
const BREAKER = { drawdown: 0.15, fraction: 0, cooldown_bars: 20 };

export async function open(place, { current, signal, onSaved }) {
  const [stands, shelf] = await Promise.all([call("/portfolio/book", { signal }), call("/strategies", { signal })]);
  const made = parts(stands, shelf.strategies.map(({ strategy_id }) => strategy_id), Boolean(current));
  const form = element("form", { onsubmit: submits(save) }, ...made.shown, element("div", { class: "actions" },
    element("button", { class: "primary" }, current ? "Let it be so from the next bar on" : "Let it be so")));
  place.append(card(current ? null : "How it will be made up", origin(stands), form));

  async function save() {
    const saved = await call("/portfolio/book", { method: "PUT", body: made.body() });
    await onSaved();
    document.getElementById("tab").prepend(notice(saved.version === stands.version ? "That is how it was made up already." : `Version ${saved.version} stands${current ? ", and holds from the next bar on" : ""}.`));
  }
}

function origin({ version, changed_by: by, changed_at: at }) {
  return element("p", { class: "quiet" }, ...(version ? [`Version ${version}, by ${by} on `, when(at), "."] : ["As built: every strategy that speaks, with equal shares. Nobody has changed it."]));
}

function parts({ strategies, capital, start_date: start, config, breaker }, shelf, isOpen) {
  const chosen = sleeves(strategies, shelf);
  const money = element("input", { name: "/capital", type: "number", step: "any", value: capital, disabled: isOpen });
  const first = element("input", { name: "/start_date", type: "date", value: start ?? "", disabled: isOpen });
  const filled = configured(config);
  const guard = guarded(breaker);
  const fixed = isOpen ? "Close the book to say it again." : null;
  return {
    shown: [
      chosen.shown,
      element("fieldset", {}, element("legend", {}, "Account"), element("div", { class: "grid" },
        field("Capital", money, fixed), field("First day", first, fixed ?? "Else 90 days before the newest signal."))),
      filled.shown, guard.shown,
    ],
    body: () => ({
      strategies: chosen.value(), config: filled.value(), breaker: guard.value(),
      ...(isOpen ? {} : { capital: numeric(money), start_date: first.value || undefined }),
    }),
  };
}

function configured(config) {
  const fill = select({ name: "/config/fill" }, FILLS, config.fill ?? "");
  const rebalance = select({ name: "/config/rebalance", onchange: banded }, REBALANCES.map((name) => [name, name.replace("_", " ")]), config.rebalance);
  const short = element("input", { type: "checkbox", checked: config.allow_short });
  const inputs = Object.fromEntries(NUMBERS.map(([name]) => [name, element("input", { name: `/config/${name}`, type: "number", step: "any", value: config[name] ?? "" })]));
  const others = Object.fromEntries(Object.entries(config).filter(([name]) => !OWN.includes(name)));
  const rest = element("textarea", { name: "/config", rows: 14, spellcheck: "false", "aria-label": "everything else as JSON" });
  rest.value = JSON.stringify(others, null, 2);
  function banded() {
    inputs.drift_band.disabled = rebalance.value !== "drift";
  }
  banded();
  return {
    shown: element("fieldset", {}, element("legend", {}, "Fills and costs"),
      element("div", { class: "grid" }, field("Filled", fill), field("Brought back to targets", rebalance), ...NUMBERS.map(([name, label, hint]) => field(label, inputs[name], hint))),
      element("label", {}, short, "It may be short"), element("details", {}, element("summary", {}, "Everything else"), rest)),
    value: () => ({
      ...read(rest.value), fill: fill.value || null, rebalance: rebalance.value, allow_short: short.checked,
      ...Object.fromEntries(NUMBERS.map(([name]) => [name, inputs[name].disabled ? null : numeric(inputs[name])])),
    }),
  };
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refused({ detail: `This is no JSON: ${error.message}`, pointer: "/config" });
  }
}

function guarded(breaker) {
  const on = element("input", { type: "checkbox", checked: breaker !== null, onchange: switched });
  const inputs = Object.fromEntries(Object.entries(BREAKER).map(([name, value]) => [name, element("input", { name: `/breaker/${name}`, type: "number", step: "any", value: (breaker ?? BREAKER)[name] ?? value })]));
  function switched() {
    for (const input of Object.values(inputs)) input.disabled = !on.checked;
  }
  switched();
  return {
    shown: element("fieldset", {}, element("legend", {}, "Breaker"),
      element("label", {}, on, "After a fall it holds less, for a while"),
      element("div", { class: "grid" }, field("Opens at a fall of", inputs.drawdown, "0.15 is 15 % below the highest equity."),
        field("Then follows this part of its wishes", inputs.fraction), field("For so many bars", inputs.cooldown_bars))),
    value: () => (on.checked ? Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, numeric(input)])) : null),
  };
}
