// Whose the gains were, as bars and as figures.
import { card, element, folded, quiet, table, tall } from "../../core/dom.js";
import { day, money, percent, signed } from "../../core/format.js";
import { bars } from "../../core/plots.js";

export function attribution(shares) {
  const moved = shares.sleeves.filter(({ pnl }) => pnl !== 0);
  const idle = shares.sleeves.length - moved.length;
  return card("Attribution",
    quiet(`${day(shares.start)} to ${day(shares.end)}, after costs: `, signed(`${money(shares.total)} (${percent(shares.total_return)})`, shares.total), " together."),
    moved.length ? bars("What each strategy brought", moved.map(({ strategy_id, pnl }) => [strategy_id, pnl])) : element("p", {}, "Nobody gained or lost anything in these days."),
    folded("Figures", tall(table([
      { title: "Strategy", show: (row) => row.strategy_id, sort: (row) => row.strategy_id },
      { title: "P&L", number: true, show: (row) => signed(money(row.pnl), row.pnl), sort: (row) => row.pnl },
      { title: "Of equity", number: true, show: (row) => percent(row.contribution), sort: (row) => row.contribution },
    ], shares.sleeves, { label: "attribution" }))),
    idle > 0 && quiet(`${idle} of ${shares.sleeves.length} strategies neither gained nor lost.`));
}
