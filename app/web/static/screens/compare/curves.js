// The accounts on one chart, each 1 where it begins, over their drawdowns.
import { chart, draw } from "../../core/charts.js";
import { actions, card, element, quiet } from "../../core/dom.js";
import { day } from "../../core/format.js";
import { line, overDrawdown } from "../../core/plots.js";
import { here, remember } from "../../core/router.js";

const DASHES = ["solid", "dash", "dot", "dashdot"];

export function curves(runs) {
  const place = chart("Equity of all, rebased to 1, over their drawdowns", "36rem");
  const options = { log: here().query.get("log") === "1", together: here().query.get("together") === "1" };
  const latest = runs.map(({ result }) => result.equity.time[0]).sort().at(-1);
  const differ = runs.some(({ result }) => day(result.equity.time[0]) !== day(latest));
  const words = quiet();

  function show() {
    const start = options.together ? latest : null;
    words.textContent = start ? `Each is 1 on ${day(start)}, when the last of them begins.` : "Each is 1 at its own first bar.";
    return draw(place, (theme) => ({
      traces: runs.flatMap((run, at) => traces(run, at, rebased(run.result.equity, start), theme)),
      layout: { showlegend: true, ...overDrawdown({ type: options.log ? "log" : "linear", title: "equity, first = 1" }) },
    }));
  }

  const box = (name, text) => element("label", {}, element("input", {
    type: "checkbox", checked: options[name], onchange: (event) => {
      options[name] = event.target.checked;
      remember({ [name]: options[name] ? "1" : "" });
      show();
    },
  }), text);
  show();
  return card("Equity and drawdown", actions(box("log", "Logarithmic"), differ && box("together", "Begin together")), place, words);
}

function traces({ letter, job }, at, { time, value, drawdown }, theme) {
  const looks = { dash: DASHES[Math.floor(at / 4)], legendgroup: letter };
  const colour = theme.series[at % 8];
  const name = `${letter} ${job.strategy_id ?? job.kind}`;
  return [
    line(name, time, value, colour, { ...looks, hovertemplate: "%{y:.3f}" }),
    line(name, time, drawdown, colour, { ...looks, width: 1, showlegend: false, yaxis: "y2", hovertemplate: "%{y:.1%}" }),
  ];
}

// From its own first bar, or from the last one at or before `start`.
function rebased({ time, value, drawdown }, start) {
  const from = start === null ? 0 : Math.max(0, time.findLastIndex((at) => at <= start));
  const first = value[from];
  return { time: time.slice(from), value: value.slice(from).map((at) => (first ? at / first : null)), drawdown: drawdown.slice(from) };
}
