// Value at risk and expected shortfall: by method and level, and whose part they are.
import { chart, draw } from "../../core/charts.js";
import { card, element, lay, quiet, sideBySide, table, words } from "../../core/dom.js";
import { label, money, number, percent } from "../../core/format.js";
import { here, remember } from "../../core/router.js";
import { sides } from "./sides.js";

const FIRST = "historical-0.99";

export function losses(told, options) {
  const parts = element("div");
  const chosen = here().query.get("figure") ?? FIRST;
  const key = ({ method, level }) => `${method}-${level}`;
  const open = told.figures.find((figure) => key(figure) === chosen) ?? told.figures[0];
  parts.append(partsOf(open));
  return card("Value at risk and expected shortfall", options, sideBySide(compared(told.figures), table(COLUMNS, told.figures, {
    label: "losses", caption: "A loss is positive. Choose one to see whose it is.", current: (figure) => figure === open,
    onRow: (figure) => {
      remember({ figure: key(figure) });
      lay(parts, partsOf(figure));
    },
  })), parts, quiet(
    `${told.coverage === null ? "Nothing is held." : `${percent(told.coverage, 0)} of the positions are measured.`} Longer horizons are one session times the square root of their number. Monte Carlo: ${number(told.paths)} draws, seed ${told.seed}.`));
}

const COLUMNS = [
  { title: "Method", show: ({ method, reason }) => [label(method), reason && words(reason)].filter(Boolean) },
  { title: "Level", number: true, show: ({ level }) => percent(level, 0) },
  { title: "Value at risk", number: true, show: (row) => money(row.var) },
  { title: "VaR of equity", number: true, show: (row) => percent(row.var_fraction) },
  { title: "Expected shortfall", number: true, show: (row) => money(row.cvar) },
  { title: "ES of equity", number: true, show: (row) => percent(row.cvar_fraction) },
];

function compared(figures) {
  const place = chart("Losses by method, in parts of equity", "16rem");
  const levels = [...new Set(figures.map(({ level }) => level))];
  const group = (theme, level, at, name, title) => {
    const rows = figures.filter((figure) => figure.level === level);
    const colour = at ? theme.c2 : theme.c1;
    return {
      type: "bar", name: `${title} ${percent(level, 0)}`, x: rows.map(({ method }) => label(method)), y: rows.map((row) => row[`${name}_fraction`]),
      marker: { color: name === "var" ? colour : theme.soft(colour, 0.45), line: { color: colour, width: 1 } }, hovertemplate: "%{y:.2%}",
    };
  };
  draw(place, (theme) => ({
    traces: levels.flatMap((level, at) => [group(theme, level, at, "var", "VaR"), group(theme, level, at, "cvar", "shortfall")]),
    layout: { showlegend: true, barmode: "group", yaxis: { tickformat: ".2%" } },
  }));
  return place;
}

// What adds to a loss has the colour of losses: a part below 0 is a hedge.
function partsOf(figure) {
  if (figure.reason) return element("p", {}, figure.reason);
  const tone = (theme, value) => (value > 0 ? theme.c2 : theme.c1);
  const title = `Whose the expected shortfall at ${percent(figure.level, 0)} is (${label(figure.method)})`;
  return element("div", {}, element("h3", {}, title), sides(figure, "cvar", { tone }),
    quiet("Parts sum to the whole; one below 0 is a hedge."));
}
