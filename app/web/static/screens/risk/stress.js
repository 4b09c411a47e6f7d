// What six scenarios would do, and what is behind each.
import { card, element, facts, folded, lay, notice, quiet, sideBySide, table, tall } from "../../core/dom.js";
import { counted, label, money, number, percent, signed } from "../../core/format.js";
import { bars } from "../../core/plots.js";
import { here, remember } from "../../core/router.js";
import { sides } from "./sides.js";

const FACTORS = {
  brl_nominal: "BRL nominal rates", brl_real: "BRL real rates", usd_rates: "USD rates", usd_onshore: "USD onshore rates", credit: "Sovereign spreads",
  fx_brl: "Real", fx_em: "Emerging currencies", fx_g10: "G10 currencies", fx_haven: "Yen and franc", equity_us: "US equities", equity_br: "IBOV", oil: "Oil",
};

export function stress(told) {
  const detail = element("div");
  const asked = here().query.get("scenario");
  const worst = told.scenarios.reduce((a, b) => (b.pnl < a.pnl ? b : a));
  const open = told.scenarios.find(({ scenario }) => scenario === asked) ?? worst;
  const byTitle = new Map(told.scenarios.map((item) => [item.title, item]));
  const choose = (item) => {
    remember({ scenario: item.scenario });
    lay(detail, detailOf(item));
  };
  detail.append(detailOf(open));
  return card("Stress scenarios",
    told.unmapped.length > 0 && notice(`No scenario moves ${told.unmapped.map(({ symbol, value }) => `${symbol} (${money(value)})`).join(", ")}: it counts 0.`),
    sideBySide(
      bars("Gain or loss in each scenario, of equity", told.scenarios.map((item) => [item.title, item.pnl_fraction]), { format: ".2%", onChoose: (title) => choose(byTitle.get(title)) }),
      table([
        { title: "Scenario", show: ({ title }) => title },
        { title: "Gain or loss", number: true, show: ({ pnl }) => signed(money(pnl + 0), pnl), sort: ({ pnl }) => pnl },
        { title: "Of equity", number: true, show: (row) => percent(row.pnl_fraction), sort: (row) => row.pnl_fraction },
      ], told.scenarios, { label: "scenarios", caption: "Hypothetical, round and at once; none is a forecast.", onRow: choose, current: (item) => item === open })),
    detail, exposures(told.exposures));
}

function detailOf(item) {
  return element("div", {}, element("h3", {}, item.title), facts(shocks(item.shocks)),
    item.instruments.some(({ pnl }) => pnl !== 0) ? sides(item, "pnl")
      : quiet("It moves nothing that the book holds."));
}

function shocks({ rates_bps: rates, prices }) {
  const rate = (points) => (points.length === 1 ? `${bp(points[0][1])} bp` : points.map(([years, move]) => `${bp(move)} bp at ${counted(years, "year")}`).join(", "));
  return [
    ...Object.entries(rates).map(([name, points]) => [FACTORS[name] ?? label(name), rate(points)]),
    ...Object.entries(prices).map(([name, move]) => [FACTORS[name] ?? label(name), `${move > 0 ? "+" : ""}${percent(move, 0)}`]),
  ];
}

function bp(move) {
  return `${move > 0 ? "+" : ""}${number(move)}`;
}

function exposures(rows) {
  return folded("Factor exposures", tall(table([
    { title: "Symbol", show: (row) => row.symbol, sort: (row) => row.symbol },
    { title: "Depends on", show: (row) => row.factor, sort: (row) => row.factor },
    { title: "Value", number: true, show: (row) => money(row.value), sort: (row) => row.value },
    { title: "DV01", number: true, show: (row) => number(row.dv01), sort: (row) => row.dv01 },
  ], rows, { label: "exposures", caption: "DV01 is what is lost when the rate rises by a basis point." })));
}
