// What the book holds beside what it is after, and which strategy wants what.
import { card, element, empty, lay, quiet, table, tall } from "../../core/dom.js";
import { money, number, percent, quality, signed } from "../../core/format.js";
import { address, here, remember } from "../../core/router.js";

export function holdings(current, target) {
  const rows = joined(current.positions, target.targets);
  const wants = element("div");
  const chosen = here().query.get("position");
  const isChosen = (row) => row.key === chosen;
  const choose = (row) => {
    remember({ position: row.key });
    lay(wants, wanted(row));
  };
  const found = rows.find(isChosen);
  if (found) wants.append(wanted(found));
  return card("Positions and targets", rows.length ? tall(table(COLUMNS, rows, { onRow: choose, key: (row) => row.key, current: isChosen, label: "positions" }))
    : empty("It holds nothing and is after nothing: no strategy of it wants a position.", "#/signals", "See what they say"), wants);
}

// A symbol that is held, wanted, or both.
function joined(positions, targets) {
  const rows = new Map();
  for (const item of [...targets, ...positions]) {
    const key = `${item.dataset_id}:${item.symbol}`;
    rows.set(key, { key, dataset_id: item.dataset_id, symbol: item.symbol, quality: item.quality, held: null, target: null, ...rows.get(key) });
  }
  for (const item of targets) rows.get(`${item.dataset_id}:${item.symbol}`).target = item;
  for (const item of positions) rows.get(`${item.dataset_id}:${item.symbol}`).held = item;
  return [...rows.values()].sort((a, b) => Math.abs(b.held?.value ?? 0) - Math.abs(a.held?.value ?? 0));
}

const gap = (row) => (row.target?.weight ?? 0) - (row.held?.weight ?? 0);

const COLUMNS = [
  { title: "Symbol", show: (row) => [row.symbol, " ", quality(row.quality)], sort: (row) => row.symbol },
  { title: "Quantity", number: true, show: ({ held }) => number(held?.quantity), sort: ({ held }) => held?.quantity },
  { title: "Average price", number: true, show: ({ held }) => number(held?.average_price, 4), sort: ({ held }) => held?.average_price },
  { title: "Price", number: true, show: ({ held }) => number(held?.price, 4), sort: ({ held }) => held?.price },
  { title: "Value", number: true, show: ({ held }) => money(held?.value), sort: ({ held }) => held?.value },
  { title: "P&L", number: true, show: ({ held }) => signed(money(held?.pnl), held?.pnl), sort: ({ held }) => held?.pnl },
  { title: "Weight", number: true, show: ({ held }) => percent(held?.weight), sort: ({ held }) => held?.weight },
  { title: "Target", number: true, show: ({ target }) => percent(target?.weight), sort: ({ target }) => target?.weight },
  { title: "To target", number: true, show: (row) => percent(gap(row)), sort: (row) => Math.abs(gap(row)) },
  { title: "Strategies", number: true, show: ({ target }) => number(Object.keys(target?.wants ?? {}).length), sort: ({ target }) => Object.keys(target?.wants ?? {}).length },
];

function wanted({ symbol, target }) {
  const rows = Object.entries(target?.wants ?? {}).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  if (!rows.length) return quiet(`No strategy wants ${symbol}: what is held of it will be sold.`);
  return element("div", {}, element("h3", {}, `Who wants what in ${symbol}`), table([
    { title: "Strategy", show: ([name]) => element("a", { href: address("signals", { strategy: name }) }, name) },
    { title: "Part of equity", number: true, show: ([, part]) => percent(part) },
  ], rows, { label: "who wants what" }), quiet(
    target.asked === target.weight ? `Together ${percent(target.asked)}.` : `Together they ask for ${percent(target.asked)}; the limits of the book leave ${percent(target.weight)}.`));
}
