// One strategy: what it says now of each symbol, and how it came there.
import { call, Refused, Unanswered } from "../../core/api.js";
import { chart, draw } from "../../core/charts.js";
import { actions, card, element, lay, linkButton, notice, quiet, table, words } from "../../core/dom.js";
import { bar, number, quality, when } from "../../core/format.js";
import { line } from "../../core/plots.js";
import { address } from "../../core/router.js";
import { change, computing, conviction, direction } from "./parts.js";

const MOST_LINES = 8; // colours that are told apart

export async function strategyCard(place, { id, symbol, days, missing, signal }) {
  const head = actions(computing(id),
    linkButton(address(`strategies/${id}`), "About it"), linkButton(address("new", { strategy: id }), "Run it"));
  const there = `/strategies/${encodeURIComponent(id)}`;
  const why = missing && notice(missing.message);
  try {
    const [now, past] = await Promise.all([
      call(`${there}/signal/latest`, { signal }), call(`${there}/signal/history`, { query: { days }, signal }),
    ]);
    const curve = chart(`Convictions of ${id} by symbol`, "16rem");
    const shown = symbol && now.signals.some((row) => row.symbol === symbol) ? [symbol] : loudest(now.signals);
    lay(place, card(id, why, reasons(now.signals), element("h3", {}, `Conviction over ${days} days`), curve,
      quiet(told(shown, now.signals)), head));
    await draw(curve, (theme) => drawing(theme, past.signals, shown));
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Refused) || error instanceof Unanswered) throw error;
    lay(place, card(id, notice(error.message), head));
  }
}

function reasons(signals) {
  return table([
    { title: "Symbol", show: (row) => row.symbol, sort: (row) => row.symbol },
    { title: "Direction", show: (row) => [direction(row), " ", change(row)], sort: (row) => row.direction },
    { title: "Conviction", number: true, show: conviction, sort: (row) => row.conviction },
    { title: "Score", number: true, show: (row) => number(row.raw_value, 4), sort: (row) => row.raw_value },
    { title: "Why", show: (row) => words(row.reason) },
    { title: "Bar", show: (row) => bar(row.time) },
    { title: "First said", show: (row) => when(row.computed_at) },
    { title: "Data", show: (row) => [row.dataset_id, " ", quality(row.quality)] },
  ], signals, { label: "signals of the strategy" });
}

function loudest(signals) {
  return [...signals].sort((a, b) => Math.abs(b.conviction) - Math.abs(a.conviction)).slice(0, MOST_LINES).map((row) => row.symbol);
}

function told(shown, signals) {
  if (shown.length === signals.length) return "Above 0 it is long, below it is short.";
  return `Above 0 it is long, below it is short. Of ${signals.length} symbols: ${shown.join(", ")}.`;
}

function drawing(theme, signals, shown) {
  return {
    traces: shown.map((symbol, at) => {
      const rows = signals.filter((row) => row.symbol === symbol);
      return line(symbol, rows.map((row) => row.time), rows.map((row) => row.conviction), theme.series[at], {
        mode: "lines+markers", shape: "hv",
        marker: { size: rows.map((row) => (row.change ? 9 : rows.length > 40 ? 0 : 4)), symbol: rows.map((row) => (row.change ? "diamond" : "circle")), color: theme.series[at] },
        hovertemplate: "%{fullData.name} %{y:.2f}<extra></extra>",
      });
    }),
    layout: { showlegend: shown.length > 1, yaxis: { range: [-1.05, 1.05], zeroline: true } },
  };
}
