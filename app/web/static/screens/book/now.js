// Where the book stands: its figures, its curve, what it holds beside what it is after, and whose the gains are.
import { call } from "../../core/api.js";
import { chart, draw } from "../../core/charts.js";
import { card, element, facts, field, lay, quiet, select, short, sideBySide } from "../../core/dom.js";
import { filled } from "../../core/forms.js";
import { caution, money, percent, signed, when } from "../../core/format.js";
import { inTurn } from "../../core/live.js";
import { equity, line, overDrawdown } from "../../core/plots.js";
import { here, remember } from "../../core/router.js";
import { holdings } from "./holdings.js";
import { attribution } from "./attribution.js";

const SPANS = [["", "all"], ["365", "a year"], ["90", "90 days"], ["30", "30 days"]];
const POINTS = 3000;

export async function open(place, { current, signal }) {
  const asked = here().query;
  const turn = inTurn(signal);
  const target = await call("/portfolio/target", { signal });
  const span = select({ name: "days", onchange: () => remember({ days: span.value }) || filled(gains, () => turn(curves)) }, SPANS, asked.get("days") ?? "");
  const main = chart("Equity over drawdown of the book", "28rem");
  const exposure = chart("Gross and net exposure of the book", "16rem");
  const gains = element("div");
  const positions = element("div");
  lay(place,
    caution(current.quality, `Some of it follows ${current.quality} data`),
    facts(figures(current), "figures"),
    card(null, short(field("Period", span)), main, quiet(
      "Up to ", when(current.live_since, { seconds: false }), " it is what the book would have done, from then on what it did.")),
    positions,
    sideBySide(card("Exposure", exposure), gains));

  async function curves() {
    const [history, shares] = await Promise.all([
      call("/portfolio/history", { query: { days: span.value, points: POINTS }, signal }), call("/portfolio/attribution", { query: { days: span.value }, signal }),
    ]);
    lay(gains, attribution(shares));
    await Promise.all([draw(main, (theme) => curve(theme, history)), draw(exposure, (theme) => exposed(theme, history))]);
  }
  await turn(curves);
  lay(positions, holdings(current, target)); // the last of all: it shows what was chosen until then
}

function figures(book) {
  return [
    ["Equity", money(book.equity)], ["P&L, last day", signed(money(book.pnl.day), book.pnl.day)],
    ["P&L, total", signed(money(book.pnl.total), book.pnl.total)], ["Total return", signed(percent(book.pnl.total / book.capital), book.pnl.total)],
    ["Drawdown", percent(book.drawdown)], ["Gross exposure", percent(book.gross_exposure)], ["Net exposure", percent(book.net_exposure)],
    ["Cash", money(book.cash)],
  ];
}

function curve(theme, history) {
  const last = history.time.at(-1);
  const lived = history.live_since < last;
  return {
    traces: equity(theme, { ...history, value: history.equity }),
    layout: {
      ...overDrawdown({ tickformat: ".1%" }),
      shapes: lived ? [{ type: "line", x0: history.live_since, x1: history.live_since, yref: "paper", y0: 0, y1: 1, line: { color: theme.quiet, width: 1, dash: "dot" } }] : [],
      annotations: lived ? [{ x: history.live_since, yref: "paper", y: 1, text: "live", showarrow: false, xanchor: "left", font: { color: theme.quiet } }] : [],
    },
  };
}

function exposed(theme, history) {
  const part = (name, values, colour) => line(name, history.time, values, colour, { shape: "hv", hovertemplate: "%{y:.1%}" });
  return {
    traces: [part("gross", history.gross_exposure, theme.c3), part("net", history.net_exposure, theme.c4)],
    layout: { showlegend: true, yaxis: { tickformat: ".0%" } },
  };
}
