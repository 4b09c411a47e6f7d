// The round trips: on the prices of their symbol, in a table that leads there, and by how far each went for and against.
import { call } from "../../core/api.js";
import { chart, draw, zoom } from "../../core/charts.js";
import { actions, card, element, empty, field, lay, linkButton, quiet, select, short, table, tall } from "../../core/dom.js";
import { filled } from "../../core/forms.js";
import { bar, day, DAY_MS, money, number, params, percent, signed } from "../../core/format.js";
import { inTurn } from "../../core/live.js";
import { paged } from "../../core/paged.js";
import { line } from "../../core/plots.js";

const PAGE = 1000;
const AROUND = 0.15; // of a trade's length, seen before and after it

export async function open(place, { job, result, signal }) {
  let trades = [];
  const summary = result.trades_summary;
  const symbols = Object.keys(result.coverage ?? {}).length ? Object.keys(result.coverage) : result.request.symbols ?? [];
  const prices = chart("Trades on the price", "28rem");
  const list = tall();
  const excursions = chart("Favourable over adverse excursion of each trade", "20rem");
  const pages = paged("More trades", read, show);
  const said = element("div");
  const turn = inTurn(signal);
  const chosen = select({ "aria-label": "symbol", onchange: onPrices }, symbols);

  async function read(cursor) {
    const page = await call(`/jobs/${job.job_id}/trades`, { query: { limit: PAGE, cursor }, signal });
    return { rows: page.trades, next: page.next };
  }

  async function show(rows) {
    trades = rows;
    await onPrices();
    lay(list, table(COLUMNS, trades, { onRow: look, label: "trades" }));
    await showExcursions();
  }

  async function look(trade) {
    if (!symbols.includes(trade.symbol)) return;
    if (chosen.value !== trade.symbol) {
      chosen.value = trade.symbol;
      await onPrices();
    }
    const end = trade.exit_time ?? result.request.end_date;
    const span = Math.max(new Date(end) - new Date(trade.entry_time), 5 * DAY_MS);
    const at = (iso, offset) => new Date(new Date(iso).getTime() + offset).toISOString();
    await zoom(prices, at(trade.entry_time, -span * (0.5 + AROUND)), at(end, span * (0.5 + AROUND)));
    prices.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  function onPrices() {
    return filled(said, () => turn(showPrices));
  }

  async function showPrices() {
    const { request } = result;
    const symbol = chosen.value;
    if (!request.dataset_id || !symbol) return;
    const bars = await call(`/datasets/${request.dataset_id}@${request.dataset_version}/bars`, {
      query: { symbol, start: request.start_date, end: request.end_date, points: 4000 }, signal,
    });
    lay(said);
    await draw(prices, (theme) => drawing(theme, bars, trades.filter((trade) => trade.symbol === symbol)));
  }

  function showExcursions() {
    const known = trades.filter(({ mae, mfe }) => mae !== null && mfe !== null);
    return draw(excursions, (theme) => ({
      traces: ["won", "lost"].map((name, at) => {
        const some = known.filter(({ pnl }) => (pnl > 0) === (at === 0));
        return {
          type: "scatter", mode: "markers", name, x: some.map(({ mae }) => -mae), y: some.map(({ mfe }) => mfe),
          text: some.map((trade) => `${trade.symbol} ${day(trade.entry_time)}: ${percent(trade.return)}`), hovertemplate: "%{text}<br>against %{x:.2%}, for %{y:.2%}<extra></extra>",
          marker: { color: at ? theme.c2 : theme.c1, symbol: at ? "x" : "circle", size: 6, opacity: 0.75 },
        };
      }),
      layout: { hovermode: "closest", showlegend: true, xaxis: { tickformat: ".1%", title: { text: "furthest against (MAE)" } }, yaxis: { tickformat: ".1%", title: { text: "furthest for (MFE)" } } },
    }));
  }

  if (!summary.total) return place.append(card(null, empty("It never traded.")));
  lay(place,
    quiet(`${number(summary.total)} trades, ${number(summary.long)} long and ${number(summary.short)} short, ${number(summary.open)} of them open at the end. Ended by ${params(summary.exit_reasons)}.`),
    symbols.length > 0 && result.request.dataset_id && card(null, symbols.length > 1 && short(field("Symbol", chosen)), prices, said),
    card(null, list, actions(pages.button,
      linkButton(`/api/v1/jobs/${job.job_id}/export?format=csv&part=trades`, "CSV"),
      linkButton(`/api/v1/jobs/${job.job_id}/export?format=parquet&part=trades`, "Parquet"))),
    card("Excursions for and against each trade", excursions));
  await pages.reload();
}

const COLUMNS = [
  { title: "Symbol", show: (row) => row.symbol, sort: (row) => row.symbol },
  { title: "Side", show: (row) => row.side, sort: (row) => row.side },
  { title: "In", show: (row) => bar(row.entry_time), sort: (row) => row.entry_time },
  { title: "Out", show: (row) => row.exit_time ? bar(row.exit_time) : "open", sort: (row) => row.exit_time },
  { title: "Price in", number: true, show: (row) => number(row.entry_price, 4), sort: (row) => row.entry_price },
  { title: "Price out", number: true, show: (row) => number(row.exit_price, 4), sort: (row) => row.exit_price },
  { title: "Quantity", number: true, show: (row) => number(row.quantity), sort: (row) => row.quantity },
  { title: "P&L", number: true, show: (row) => signed(money(row.pnl), row.pnl), sort: (row) => row.pnl },
  { title: "Return", number: true, show: (row) => signed(percent(row.return), row.return), sort: (row) => row.return },
  { title: "Costs", number: true, show: (row) => number(row.costs), sort: (row) => row.costs },
  { title: "Bars", number: true, show: (row) => number(row.bars_held, 0), sort: (row) => row.bars_held },
  { title: "MAE", number: true, show: (row) => percent(row.mae), sort: (row) => row.mae },
  { title: "MFE", number: true, show: (row) => percent(row.mfe), sort: (row) => row.mfe },
  { title: "Exit", show: (row) => row.exit_reason, sort: (row) => row.exit_reason },
];

function drawing(theme, bars, trades) {
  const mark = (name, symbol, colour, points) => ({
    type: "scatter", mode: "markers", name, x: points.map(([time]) => time), y: points.map(([, price]) => price),
    marker: { symbol, size: 9, color: colour, line: { color: theme.card, width: 1 } }, hovertemplate: `${name} %{y:.4f}<extra></extra>`,
  });
  const entries = (side) => trades.filter((trade) => trade.side === side).map((trade) => [trade.entry_time, trade.entry_price]);
  const ways = trades.flatMap((trade) => [[trade.entry_time, trade.entry_price], [trade.exit_time, trade.exit_price], [null, null]]);
  return {
    traces: [
      line("close", bars.time, bars.close, theme.quiet, { width: 1 }),
      line("held", ways.map(([time]) => time), ways.map(([, price]) => price), theme.c4, { width: 1, dash: "dot", hoverinfo: "skip" }),
      mark("long", "triangle-up", theme.c1, entries("long")),
      mark("short", "triangle-down", theme.c2, entries("short")),
      mark("out", "x", theme.text, trades.filter(({ exit_time }) => exit_time).map((trade) => [trade.exit_time, trade.exit_price])),
    ],
    layout: { showlegend: true, hovermode: "closest" },
  };
}
