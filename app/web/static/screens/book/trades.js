// What the book traded, newest first.
import { call } from "../../core/api.js";
import { actions, card, empty, lay, table, tall } from "../../core/dom.js";
import { bar, number } from "../../core/format.js";
import { paged } from "../../core/paged.js";

const PAGE = 200;

export async function open(place, { signal }) {
  const list = tall();
  const pages = paged("Older trades", async (cursor) => {
    const { trades, next } = await call("/portfolio/trades", { query: { limit: PAGE, cursor }, signal });
    return { rows: trades, next };
  }, (trades) => lay(list, trades.length ? table(COLUMNS, trades, { label: "trades of the book" }) : empty("It has not traded yet.")));
  place.append(card(null, list, actions(pages.button)));
  await pages.reload();
}

const COLUMNS = [
  { title: "No.", number: true, show: (row) => String(row.n), sort: (row) => row.n },
  { title: "Bar", show: (row) => bar(row.time), sort: (row) => row.time },
  { title: "Symbol", show: (row) => row.symbol, sort: (row) => row.symbol },
  { title: "Bought or sold", show: (row) => (row.quantity < 0 ? "sold" : "bought"), sort: (row) => row.quantity < 0 },
  { title: "Quantity", number: true, show: (row) => number(Math.abs(row.quantity)), sort: (row) => Math.abs(row.quantity) },
  { title: "Price", number: true, show: (row) => number(row.price, 4), sort: (row) => row.price },
  { title: "Commission", number: true, show: (row) => number(row.commission), sort: (row) => row.commission },
  { title: "Slippage", number: true, show: (row) => number(row.slippage), sort: (row) => row.slippage },
  { title: "Carry", number: true, show: (row) => number(row.carry), sort: (row) => row.carry },
  { title: "Because of", show: (row) => row.reason, sort: (row) => row.reason },
  { title: "Data", show: (row) => row.dataset_id, sort: (row) => row.dataset_id },
];
