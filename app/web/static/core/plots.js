// The charts that several screens draw, and the lines that they are drawn of.
import { chart, draw, heightOf } from "./charts.js";

// A line through time, or over whatever `x` is. `rest` is what Plotly knows of it besides.
export function line(name, x, y, color, { width = 1.4, dash, shape, ...rest } = {}) {
  return { type: "scatter", mode: "lines", name, x, y, line: { color, width, dash, shape }, ...rest };
}

// An equity over its drawdown, to be laid out by `overDrawdown`.
export function equity(theme, { time, value, drawdown }) {
  return [
    line("equity", time, value, theme.c1, { width: 1.6 }),
    line("drawdown", time, drawdown, theme.c2, { width: 1, yaxis: "y2", fill: "tozeroy", fillcolor: theme.soft(theme.c2), hovertemplate: "%{y:.2%}" }),
  ];
}

export function overDrawdown({ type = "linear", title = "equity", tickformat = ".0%" } = {}) {
  return {
    xaxis: { anchor: "y2" }, yaxis: { domain: [0.32, 1], type, title: { text: title } },
    yaxis2: { domain: [0, 0.26], tickformat, title: { text: "drawdown" } },
  };
}

// Lying bars, the first on top, of [name, value] pairs; `tone(theme, value)` is the colour of one.
export function bars(words, pairs, { format = ",.0f", tone = (theme, value) => (value < 0 ? theme.c2 : theme.c1), onChoose } = {}) {
  const place = chart(words, heightOf(pairs.length));
  const rows = [...pairs].reverse();
  draw(place, (theme) => ({
    traces: [{
      type: "bar", orientation: "h", width: rows.length < 4 ? 0.5 : null, y: rows.map(([name]) => name), x: rows.map(([, value]) => value),
      marker: { color: rows.map(([, value]) => tone(theme, value)) }, hovertemplate: `%{y}: %{x:${format}}<extra></extra>`,
    }],
    layout: { hovermode: "closest", margin: { l: 60, r: 15, t: 5, b: 30 }, xaxis: { tickformat: format, nticks: 6 }, yaxis: { type: "category", dtick: 1, tickfont: { size: 11 } } },
  })).then(() => onChoose && place.on("plotly_click", ({ points: [point] }) => onChoose(rows[point.pointIndex][0])));
  return place;
}

// How `rows` go with `columns`, from -1 to 1. More of them than `WRITTEN` are told by their colour alone.
export function correlations(words, rows, columns, z) {
  const place = chart(words, rows.length > 8 ? "36rem" : "20rem");
  draw(place, (theme) => ({
    traces: [{
      type: "heatmap", x: columns, y: rows, z, zmin: -1, zmax: 1, colorscale: theme.diverging, showscale: false, xgap: 1, ygap: 1,
      texttemplate: rows.length <= WRITTEN ? "%{z:.2f}" : "", hovertemplate: "%{y} and %{x}: %{z:.2f}<extra></extra>",
    }],
    layout: { hovermode: "closest", xaxis: { type: "category" }, yaxis: { type: "category", autorange: "reversed" } },
  }));
  return place;
}
const WRITTEN = 14;
