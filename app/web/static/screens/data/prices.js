// The prices of a symbol. The server thins what is too much to draw; who zooms in is given what is there.
import { call } from "../../core/api.js";
import { chart, draw, letters, logarithmic } from "../../core/charts.js";
import { actions, card, element, field, select, short } from "../../core/dom.js";
import { counted, day, later, number } from "../../core/format.js";
import { filled } from "../../core/forms.js";
import { calmly, inTurn } from "../../core/live.js";
import { line } from "../../core/plots.js";
import { remember } from "../../core/router.js";

const POINTS = 3000;
const CANDLES = 400; // more of them are no longer told apart

export function prices(dataset, { signal }) {
  const about = `${dataset.dataset_id}@${dataset.version}`;
  const place = chart("Prices", "28rem");
  const said = element("div", { class: "quiet" });
  const turn = inTurn(signal);
  const log = logarithmic(place);
  const chosen = select({ onchange: () => show(chosen.value, [null, null]) }, dataset.symbols);
  const file = element("a", { class: "button" }, "CSV");
  let range = [null, null];

  function show(symbol, wanted) {
    chosen.value = symbol;
    range = wanted;
    remember({ symbol, from: range[0], to: range[1] });
    return filled(said, () => turn(read));
  }

  async function read() {
    const symbol = chosen.value;
    const query = { symbol, start: range[0] && day(range[0]), end: range[1] && day(range[1]), points: POINTS };
    const bars = await call(`/datasets/${about}/bars`, { query, signal });
    file.href = `/api/v1/datasets/${about}/bars?${new URLSearchParams({ symbol, format: "csv" })}`;
    said.textContent = inWords(bars);
    await draw(place, (theme) => drawing(theme, bars, { type: log.type(), range, units: dataset.units }));
    listen();
  }

  const zoomed = calmly(() => show(chosen.value, range), 250, signal);
  let listens = false;

  function listen() {
    if (listens) return;
    listens = true;
    place.on("plotly_relayout", (change) => {
      if (change["xaxis.autorange"]) range = [null, null];
      else if (change["xaxis.range[0]"]) range = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      else return;
      zoomed();
    });
  }

  const whole = element("button", { onclick: () => show(chosen.value, [null, null]) }, "Whole range");
  const made = card(null,
    dataset.symbols.length > 1 ? short(field("Symbol", chosen)) : element("h2", {}, dataset.symbols[0]),
    place, said, actions(log.shown, whole, file));
  return { card: made, show };
}

function inWords({ bars: count, time, decimated }) {
  if (!count) return "There is nothing in this range.";
  const thinned = decimated ? `, drawn by ${number(time.length)} of them with every extreme; zoom in for all` : "";
  return `${counted(count, "bar")} from ${day(time[0])} to ${day(time.at(-1))}${thinned}.`;
}

// A day is meant with all its bars.
function endOf(time) {
  return time.length > 10 ? time : later(time, 1);
}

function drawing(theme, bars, { type, range, units }) {
  const { time, open, high, low, close } = bars;
  const candles = time.length <= CANDLES && open.some((value) => value !== null);
  const volume = !bars.decimated && bars.volume.some((value) => value !== null);
  const sticks = {
    type: "candlestick", name: "price", x: time, open, high, low, close,
    increasing: { line: { color: theme.c1, width: 1 } }, decreasing: { line: { color: theme.c2, width: 1 } },
  };
  return {
    traces: [candles ? sticks : line("close", time, close, theme.c1, { width: 1.3 }), volume && { type: "bar", name: "volume", x: time, y: bars.volume, yaxis: "y2", marker: { color: theme.quiet }, opacity: 0.6 }].filter(Boolean),
    layout: {
      xaxis: { type: "date", rangeslider: { visible: false }, ...(range[0] ? { range: [range[0], endOf(range[1])], autorange: false } : { autorange: true }), ...(volume && { anchor: "y2" }) },
      yaxis: { type, domain: volume ? [0.24, 1] : [0, 1], title: { text: units.length < 40 && units !== "not said" ? letters(units) : "" } },
      ...(volume && { yaxis2: { domain: [0, 0.18] } }),
    },
  };
}
