// Monte Carlo: how else the run could have gone. Bands of its equity and drawdown, figures, ruin and loss.
import { call } from "../../core/api.js";
import { chart, draw } from "../../core/charts.js";
import { actions, card, element, facts, lay, linkButton, quiet, table } from "../../core/dom.js";
import { caution, figure, label, money, number, percent } from "../../core/format.js";
import { line } from "../../core/plots.js";

const QUANTILES = [["p05", "5 %"], ["p25", "25 %"], ["p50", "50 %"], ["p75", "75 %"], ["p95", "95 %"]];
const POINTS = 1000;

export async function open(place, { job, result, signal }) {
  const found = result.montecarlo;
  const own = found.bands.time ? await call(`/jobs/${job.job_id}/equity`, { query: { points: POINTS }, signal }) : null;
  lay(place,
    element("p", {}, found.meaning),
    caution(result.provenance.quality),
    facts([
      ["Probability of a loss", within(found.probability_of_loss)], [`Probability of ruin (${percent(found.ruin, 0)} of the capital)`, within(found.probability_of_ruin)],
      ["Paths", number(found.paths)], ["Steps of each", `${number(found.steps)} ${found.unit}`], ["Mean block", found.block === null ? null : `${number(found.block)} bars`],
      ["Redrawn", found.redrawn ? number(found.redrawn) : null],
    ], "figures"),
    fan(found, own, "equity", "Equity"), fan(found, own, "drawdown", "Drawdown"),
    figures(found),
    found.ladder?.length > 0 && ladder(found.ladder),
    card("What it does not say", element("p", {}, found.caveat), quiet(`Method ${found.method}, seed ${found.seed}. Intervals are of 95 % (Wilson), of the number of paths alone.`),
      actions(linkButton(`/api/v1/jobs/${job.job_id}/export?format=csv&part=paths`, "Every path, CSV"))));
}

function within({ probability, low, high }) {
  return [percent(probability, 1), element("span", { class: "hint" }, `between ${percent(low, 1)} and ${percent(high, 1)}`)];
}

// Two bands, the median, and the run itself where it can be laid over them.
function fan({ bands, unit }, own, name, title) {
  const place = chart(`${title} of the paths: bands of 50 and 90 percent, the median and the run`, "20rem");
  const x = bands.time ?? bands.step;
  const band = (low, high, theme, share, words) => [
    line("", x, bands[name][low], theme.c1, { width: 0, hoverinfo: "skip", showlegend: false }),
    line(words, x, bands[name][high], theme.c1, { width: 0, fill: "tonexty", fillcolor: theme.soft(theme.c1, share), hoverinfo: "skip" }),
  ];
  draw(place, (theme) => ({
    traces: [
      ...band("p05", "p95", theme, 0.14, "90 % band"), ...band("p25", "p75", theme, 0.24, "50 % band"),
      line("median", x, bands[name].p50, theme.c1),
      own && line("the run", own.time, name === "equity" ? own.value : own.drawdown, theme.c2),
    ].filter(Boolean),
    layout: {
      showlegend: true, xaxis: bands.time ? {} : { title: { text: unit } }, yaxis: { tickformat: name === "equity" ? "" : ".0%" },
      margin: { l: 60, r: 15, t: 12, b: bands.time ? 30 : 45 },
    },
  }));
  return card(title, place, quiet("Each band is across the paths at that step; no single path runs along it."));
}

function figures({ figures: found, paths }) {
  const rows = Object.entries(found);
  return card("Figures", table([
    { title: "Figure", show: ([name]) => label(name) },
    ...QUANTILES.map(([key, title]) => ({ title, number: true, show: ([name, told]) => figure(name, told[key]) })),
    { title: "Mean", number: true, show: ([name, told]) => figure(name, told.mean) },
    { title: "Std", number: true, show: ([name, told]) => figure(name, told.std) },
    { title: "The run", number: true, show: ([name, told]) => figure(name, told.observed) },
    { title: "Paths below it", number: true, show: ([, told]) => percent(told.percentile_of_observed, 1) },
    ...(rows.some(([, told]) => told.defined < paths) ? [{ title: "Paths that have it", number: true, show: ([, told]) => number(told.defined) }] : []),
  ], rows, { label: "figures of the paths" }));
}

function ladder(rungs) {
  const place = chart("Total return when all costs are multiplied", "16rem");
  draw(place, (theme) => ({
    traces: [line("total return", rungs.map(({ multiple }) => multiple), rungs.map((rung) => rung.total_return), theme.c1, { mode: "lines+markers" })],
    layout: { xaxis: { ticksuffix: " ×" }, yaxis: { tickformat: ".0%", title: { text: "total return" } } },
  }));
  return card("If all costs were higher", place, table([
    { title: "Costs", number: true, show: ({ multiple }) => `${number(multiple)} ×` },
    { title: "Final equity", number: true, show: (rung) => money(rung.final_equity) },
    ...["total_return", "sharpe", "max_drawdown"].map((name) => ({ title: label(name), number: true, show: (rung) => figure(name, rung[name]) })),
  ], rungs, { label: "costs multiplied" }));
}
