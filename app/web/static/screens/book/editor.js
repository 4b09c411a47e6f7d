// How the book is made up: strategies and their shares, capital, fills and costs, breaker.
import { call } from "../../core/api.js";
import { actions, card, element, folded, grid, group, lay, notice, quiet } from "../../core/dom.js";
import { submits } from "../../core/forms.js";
import { changed, money } from "../../core/format.js";
import { input, schemas } from "../../core/schema.js";
import { sleeves } from "./sleeves.js";

const FIRST = ["rebalance", "drift_band", "max_leverage", "commission_bps", "slippage_bps", "borrow_bps", "fill", "allow_short"];
const USUAL = { drawdown: 0.15, fraction: 0, cooldown_bars: 20 };

export async function open(place, { current, signal, onSaved }) {
  const [stands, { strategies }, described] = await Promise.all([call("/portfolio/book", { signal }), call("/strategies", { signal }), schemas()]);
  const body = { config: { ...stands.config }, ...(stands.breaker && { breaker: { ...stands.breaker } }), ...(current ? {} : opening(stands)) };
  const shares = sleeves(stands.strategies, strategies.map(({ strategy_id }) => strategy_id));
  const form = element("form", { onsubmit: submits(save), novalidate: true },
    shares.shown, account(), simulation(described.Book.properties.config.properties), breaker(described.Breaker.properties),
    actions(element("button", { class: "primary" }, current ? "Change the book" : "Make it up so")));
  place.append(card(current ? null : "How it will be made up", origin(stands), form));

  async function save() {
    const saved = await call("/portfolio/book", { method: "PUT", body: { ...body, strategies: shares.value() } });
    await onSaved();
    document.getElementById("tab").prepend(notice(saved.version === stands.version ? "That is how it was made up already."
      : `Version ${saved.version} stands${current ? ", and holds from the next bar on" : "; the next signals open the book with it"}.`));
  }

  function account() {
    const { capital, start_date: start } = described.Book.properties;
    return group("Account", current ? quiet(`It was opened with ${money(current.capital)}. Close the book to say capital and first day again.`)
      : grid(input("/capital", capital, body), input("/start_date", start, body)));
  }

  function simulation(fields) {
    const entry = (name) => input(`/config/${name}`, fields[name], body);
    const rest = Object.keys(fields).filter((name) => !FIRST.includes(name));
    return group("Fills and costs", grid(FIRST.map(entry)),
      folded("More", grid(rest.map(entry))));
  }

  function breaker(fields) {
    const inputs = grid();
    const on = element("input", { type: "checkbox", checked: Boolean(body.breaker), onchange: switched });
    function switched() {
      if (!on.checked) delete body.breaker;
      else body.breaker ??= { ...USUAL };
      lay(inputs, on.checked && Object.keys(fields).map((name) => input(`/breaker/${name}`, fields[name], body)));
    }
    switched();
    return group("Breaker", element("label", {}, on, "After a fall it holds less, for a while"), inputs);
  }
}

function opening({ capital, start_date: start }) {
  return { capital, ...(start && { start_date: start }) };
}

function origin(stands) {
  return quiet(stands.version ? changed(stands) : "As built: every strategy that speaks, with equal shares. Nobody has changed it.");
}
