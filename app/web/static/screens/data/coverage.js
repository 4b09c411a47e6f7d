// Bars of time: from when to when there are data, and what was found wrong with them in between.
import { chart, draw, heightOf, letters } from "../../core/charts.js";
import { element, quiet } from "../../core/dom.js";
import { day } from "../../core/format.js";

const MOST = 60;

// `rows`: { name, start, end, found: [{ start, end, severity, message }] }; one without a start has no data.
export function coverage(words, rows) {
  const shown = rows.filter(({ start }) => start).slice(0, MOST);
  const place = chart(words, heightOf(shown.length));
  const found = shown.flatMap((row) => (row.found ?? []).map((item) => ({ ...item, name: row.name })));
  draw(place, (theme) => ({
    traces: [
      spans(shown, theme.c1, 7, ({ start, end }) => `${day(start)} to ${day(end)}`),
      spans(found.filter(({ severity }) => severity !== "error"), theme.c5, 9, ({ message }) => message),
      spans(found.filter(({ severity }) => severity === "error"), theme.c2, 9, ({ message }) => message),
    ],
    layout: {
      hovermode: "closest", xaxis: { type: "date" },
      yaxis: { type: "category", autorange: "reversed", showgrid: false, categoryarray: letters(shown.map(({ name }) => name)), tickfont: { size: 11 }, dtick: 1 },
    },
  }));
  const left = rows.length - shown.length;
  return element("div", {}, place, left > 0 && quiet(`${left} more are in the table.`));
}

function spans(rows, colour, width, text) {
  return {
    type: "scatter", mode: "lines+markers", connectgaps: false, line: { color: colour, width }, marker: { color: colour, size: width, symbol: "square" },
    x: rows.flatMap(({ start, end }) => [start, end, null]), y: rows.flatMap(({ name }) => [name, name, null]),
    text: rows.flatMap((row) => [text(row), text(row), ""]), hovertemplate: "%{y}: %{text}<extra></extra>",
  };
}
