// Strategies by days, in the colour of the loudest conviction.
import { chart, draw, heightOf, letters } from "../../core/charts.js";
import { empty, lay, quiet } from "../../core/dom.js";
import { conviction } from "./parts.js";

const SIGNS = { flip: "⇄", surge: "↯" };
const MOST_SIGNS = 60; // columns, beyond which signs would lie over each other, and gaps would hide them

export function heatMap(place, { days, strategies: wanted }, onChoose) {
  const strategies = wanted.filter((row) => row.conviction.some((value) => value !== null));
  const silent = wanted.length - strategies.length;
  if (!strategies.length) return lay(place, empty(silent ? "None of them said anything in these days. Another end of the map may show more." : "There is no signal for the map."));
  const made = chart(`Conviction of ${strategies.length} strategies on ${days.length} days`, heightOf(strategies.length));
  lay(place, made, quiet(
    "Blue is long, orange is short, and the stronger the colour the surer; grey is a day without a word. ⇄ is a flip, ↯ a surge. Choose a cell to read on. ",
    silent ? `${silent} more said nothing in these days: their data end on others. ` : "", marked(strategies)));
  const rows = [...strategies].sort((a, b) => (a.strategy_id < b.strategy_id ? 1 : -1)); // the first one stands on top
  draw(made, (theme) => drawing(theme, days, rows)).then(() => {
    made.on("plotly_click", ({ points: [point] }) => onChoose(rows[point.pointIndex[0]].strategy_id));
  });
}

function drawing(theme, days, rows) {
  const hover = rows.map((row) => days.map((_, at) => row.conviction[at] === null ? "said nothing"
    : `${letters(row.symbol[at])} ${conviction({ conviction: row.conviction[at] })}${row.change[at] ? ` (${row.change[at]})` : ""}<br>${broken(row.reason[at])}`));
  const fine = days.length > MOST_SIGNS;
  return {
    traces: [{
      type: "heatmap", x: days, y: rows.map(({ strategy_id }) => strategy_id), z: rows.map(({ conviction }) => conviction), zmin: -1, zmax: 1,
      colorscale: theme.diverging, showscale: false, xgap: fine ? 0 : 1, ygap: 1, customdata: hover, hoverongaps: false,
      text: rows.map(({ change }) => change.map((name) => SIGNS[name] ?? "")), texttemplate: fine ? "" : "%{text}",
      hovertemplate: "%{y} on %{x}<br>%{customdata}<extra></extra>",
    }],
    layout: {
      hovermode: "closest", plot_bgcolor: theme.soft(theme.line, 0.6), margin: { l: 80, r: 5, t: 5, b: 30 },
      xaxis: { type: "category", nticks: 5, showgrid: false }, yaxis: { type: "category", dtick: 1, tickfont: { size: 10 }, showgrid: false },
    },
  };
}

// A hover label is as wide as its longest line.
function broken(text) {
  return letters(text ?? "").replace(/(.{50,70}?) /g, "$1<br>");
}

function marked(strategies) {
  const names = [...new Set(strategies.map(({ quality }) => quality).filter((name) => name && name !== "real"))].sort();
  return names.length ? `Some are said from ${names.join(" and ")} data, which say nothing about real markets.` : "";
}
