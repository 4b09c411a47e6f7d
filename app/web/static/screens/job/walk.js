// Walking forward, or crossing over: what was chosen on some bars, and what it made on others.
import { call } from "../../core/api.js";
import { chart, draw } from "../../core/charts.js";
import { actions, card, element, facts, lay, linkButton, quiet, sideBySide, table, tall, words } from "../../core/dom.js";
import { caution, counted, day, figure, label, NONE, number, params, percent, setting, signed } from "../../core/format.js";
import { line } from "../../core/plots.js";
import { statistics } from "./statistics.js";

const POINTS = 600; // of the curve of a path

export async function open(place, { job, result, signal }) {
  const found = result.walkforward;
  const crossed = found.mode === "cpcv";
  const drawn = crossed && await call(`/jobs/${job.job_id}/paths`, { query: { points: POINTS }, signal });
  const curve = crossed ? "The curve under Overview is that of the path with the median Sharpe ratio." : "The curve under Overview is that of the tests one after the other.";
  lay(place,
    quiet(`${counted(found.folds.length, crossed ? "split" : "fold")}, each with the best of ${counted(found.trials_made, "trial")} by ${label(found.objective)}. ${curve}`),
    caution(result.provenance.quality),
    held(found, crossed),
    crossed && paths(found, job),
    crossed && curves(found, drawn),
    compared(found, crossed),
    sideBySide(Object.entries(found.parameters).map(([name, told]) => drift(name, told, found, crossed))),
    folds(found, crossed),
    statistics(crossed ? "What the shown path is worth, by itself" : "What the tests are worth, by themselves", found.out_of_sample.statistics, result.bars),
    hindsight(found),
    found.statistics && statistics("What a search over all of these bars would say of it", found.statistics, result.bars));
}

// The ratio needs folds that promised something; without any it is undefined, and a sentence says so.
function held({ overfit_ratio: ratio, held_up: kept, folds: all, out_of_sample: out }, crossed) {
  const tests = crossed ? "splits" : "folds";
  const promised = ratio === null ? `No training had a Sharpe ratio above 0, so there was nothing to keep.`
    : `Of ${number(kept.folds)} ${tests} whose training had a Sharpe ratio above 0, ${number(kept.kept_half)} kept at least half of it in their test. The median of them kept ${percent(ratio, 0)}.`;
  return card("Did it hold up?",
    element("p", {}, `${promised} In ${number(kept.above_zero)} of ${number(all.length)} tests the Sharpe ratio was above 0.`),
    facts([
      ["Out of sample / in sample", number(ratio)], ["Sharpe, all tests", figure("sharpe", out.metrics.sharpe)],
      ["Total return, all tests", figure("total_return", out.metrics.total_return)], ["Max drawdown, all tests", figure("max_drawdown", out.metrics.max_drawdown)],
    ], "figures"));
}

const names = ({ folds: all }, crossed) => all.map((fold) => (crossed ? fold.test_groups.join(", ") : day(fold.test.start)));

function compared(found, crossed) {
  const place = chart("Sharpe ratio of every training and its test", "20rem");
  const at = names(found, crossed);
  const [inside, outside] = ["in_sample", "out_of_sample"].map((part) => found.folds.map((fold) => fold[part]?.sharpe ?? null));
  const ways = (values) => values.flatMap((value, index) => [value, outside[index], null]);
  draw(place, (theme) => ({
    traces: [
      line("", at.flatMap((name) => [name, name, null]), ways(inside), theme.quiet, { width: 1, hoverinfo: "skip", showlegend: false }),
      { type: "scatter", mode: "markers", name: "training", x: at, y: inside, marker: { symbol: "circle-open", color: theme.c2, size: 8, line: { width: 2 } }, hovertemplate: "training %{y:.2f}<extra></extra>" },
      { type: "scatter", mode: "markers", name: "test", x: at, y: outside, marker: { symbol: "circle", color: theme.c1, size: 9 }, hovertemplate: "test %{y:.2f}<extra></extra>" },
    ],
    layout: { showlegend: true, xaxis: crossed ? { type: "category", title: { text: "tested groups" } } : { type: at.length === 1 ? "category" : "date" }, margin: { l: 55, r: 15, t: 12, b: crossed ? 60 : 30 }, yaxis: { title: { text: "Sharpe" }, zeroline: true, zerolinecolor: theme.quiet } },
  }));
  return card("In sample and out of sample", quiet("An open circle is what the choice made in its training, a full one what it made in its test."), place);
}

function drift(name, told, found, crossed) {
  if (told.distinct === 1) return card(name, element("p", {}, `Always ${setting(told.values.find((value) => value !== null))}.`));
  const place = chart(`${name}, as chosen in every fold`, "12rem");
  const numeric = told.values.every((value) => typeof value === "number" || value === null);
  draw(place, (theme) => ({
    traces: [line(name, names(found, crossed), numeric ? told.values : told.values.map((value) => value?.toString() ?? null), theme.c3, { mode: "lines+markers", shape: "hv", marker: { size: 6 }, hovertemplate: "%{y}<extra></extra>" })],
    layout: { xaxis: { type: crossed ? "category" : "date", showticklabels: !crossed }, yaxis: { type: numeric ? "linear" : "category" } },
  }));
  const range = told.low === null || told.low === undefined ? "" : `, between ${setting(told.low)} and ${setting(told.high)}`;
  return card(name, quiet(`Changed ${counted(told.changes, "time")}, ${number(told.distinct)} different values${range}.`), place);
}

function folds(found, crossed) {
  const span = ({ start, end, bars }) => (start ? element("span", { class: "nowrap" }, `${day(start)} to ${day(end)}`) : `${number(bars)} bars`);
  const part = (title, name, metric) => ({
    title, number: true, show: (fold) => (fold[name] ? signed(figure(metric, fold[name][metric]), fold[name][metric]) : NONE), sort: (fold) => fold[name]?.[metric],
  });
  return card(crossed ? "Splits" : "Folds", tall(table([
    { title: crossed ? "Split" : "Fold", number: true, show: ({ fold }) => number(fold), sort: ({ fold }) => fold },
    crossed ? { title: "Tested groups", show: ({ test_groups: groups }) => groups.join(", ") } : { title: "Test", show: ({ test }) => span(test), sort: ({ test }) => test.start },
    { title: "Training", show: ({ train }) => span(train) },
    { title: "Chosen", show: (fold) => words(fold.params ? params(fold.params) : "none kept to the constraints") },
    part("Sharpe, training", "in_sample", "sharpe"), part("Sharpe, test", "out_of_sample", "sharpe"),
    part("Return, test", "out_of_sample", "total_return"), part("Max drawdown, test", "out_of_sample", "max_drawdown"),
    { title: "Trades, test", number: true, show: (fold) => number(fold.out_of_sample?.total_trades), sort: (fold) => fold.out_of_sample?.total_trades },
  ], found.folds, { label: "folds" })));
}

function hindsight({ hindsight: best, out_of_sample: out }) {
  if (!best) return null;
  return card("With hindsight",
    element("p", {}, `Who had known all of these bars would have taken ${params(best.params)}: Sharpe ${figure("sharpe", best.figures.sharpe)} and ${figure("total_return", best.figures.total_return)} in all, against ${figure("sharpe", out.metrics.sharpe)} and ${figure("total_return", out.metrics.total_return)} of the tests.`));
}

// The paths that are not shown are one line with gaps: hundreds of them are drawn as fast as a few.
function curves({ paths: { shown, sharpe } }, { paths: all }) {
  const place = chart("Equity of every path", "24rem");
  const others = all.filter(({ path }) => path !== shown);
  const joined = (name) => others.flatMap((one) => [...one[name], null]);
  const median = all.find(({ path }) => path === shown);
  draw(place, (theme) => ({
    traces: [
      line("the other paths", joined("time"), joined("value"), theme.soft(theme.c1, 0.4), {
        width: 1, text: others.flatMap(({ path, time }) => [...time.map(() => `path ${path}, Sharpe ${number(sharpe[path])}`), ""]), hovertemplate: "%{text}: %{y:,.0f}<extra></extra>",
      }),
      line("the median path, which is shown", median.time, median.value, theme.c3, { width: 2.4, hovertemplate: `path ${shown}: %{y:,.0f}<extra></extra>` }),
    ],
    layout: { showlegend: true, hovermode: "closest", yaxis: { title: { text: "equity" } }, margin: { l: 65, r: 15, t: 12, b: 30 } },
  }));
  return card("Curves of the paths", quiet("Each leads through the whole history by tests only. Where they run together it does not matter which part of history was seen."), place);
}

function paths({ paths: found }, job) {
  const place = chart("Sharpe ratio of every path", "16rem");
  const told = found.sharpe_distribution;
  const known = found.sharpe.map((value, at) => [value, at]).filter(([value]) => value !== null).sort((a, b) => a[0] - b[0]);
  draw(place, (theme) => ({
    traces: [{
      type: "bar", x: known.map((_, rank) => rank + 1), y: known.map(([value]) => value), customdata: known.map(([, at]) => [at, found.total_return[at], found.max_drawdown[at]]),
      marker: { color: known.map(([, at]) => (at === found.shown ? theme.c3 : theme.c1)) }, hovertemplate: "path %{customdata[0]}: Sharpe %{y:.2f}<br>return %{customdata[1]:.1%}, drawdown %{customdata[2]:.1%}<extra></extra>",
    }],
    layout: { hovermode: "closest", bargap: 0.1, xaxis: { title: { text: "paths, from worst to best" }, tickformat: "d", dtick: known.length <= 20 ? 1 : null }, yaxis: { title: { text: "Sharpe" } }, margin: { l: 55, r: 15, t: 12, b: 45 } },
  }));
  return card("Paths",
    element("p", {}, `${number(told.paths)} paths through the whole history, each of tests only. ${percent(told.below_zero, 0)} of them have a Sharpe ratio below 0; half lie between ${number(told.p25)} and ${number(told.p75)}, nine in ten between ${number(told.p05)} and ${number(told.p95)}. Path ${number(found.shown)}, the median one, in green, is the one that is shown.`),
    place,
    actions(["csv", "parquet"].map((format) =>
      linkButton(`/api/v1/jobs/${job.job_id}/export?format=${format}&part=paths`, `Curves of all paths, ${format === "csv" ? "CSV" : "Parquet"}`))));
}
