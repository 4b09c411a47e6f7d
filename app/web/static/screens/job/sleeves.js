// A portfolio: how it was shared out, who earned and who risked what, and how much the sleeves go together.
import { call, Refused } from "../../core/api.js";
import { chart, draw } from "../../core/charts.js";
import { card, element, facts, lay, quiet, sideBySide, table, words } from "../../core/dom.js";
import { caution, counted, figure, label, money, number, params, percent, quality, several, signed, verdict } from "../../core/format.js";
import { correlations, line } from "../../core/plots.js";
import { address } from "../../core/router.js";

const METRICS = ["total_return", "sharpe", "max_drawdown", "annual_volatility", "total_trades"];

export async function open(place, { result, signal }) {
  const found = result.portfolio;
  const qualities = await qualitiesOf(found.sleeves, signal);
  const { mandate } = result.request;
  lay(place,
    quiet(`${counted(found.sleeves.length, "sleeve")}, weights by ${mandate.allocation.replaceAll("_", " ")}, rebalanced ${mandate.rebalance === "drift" ? `when they drift by ${percent(mandate.drift_band, 1)}` : mandate.rebalance}.`),
    caution(result.provenance.quality, `The worst of the data is ${result.provenance.quality}`),
    facts([
      ["Diversification ratio", number(found.diversification_ratio)], ["Total return", figure("total_return", result.metrics.total_return)],
      ["Sharpe", figure("sharpe", result.metrics.sharpe)], ["Max drawdown", figure("max_drawdown", result.metrics.max_drawdown)],
    ], "figures"),
    quiet("The diversification ratio is the sum of the sleeves' deviations over that of the whole: 1 where they all move together."),
    weights(found, result.request.end_date),
    sideBySide(shares(found), correlation(found)),
    sleeves(found, qualities));
}

async function qualitiesOf(sleeves, signal) {
  const names = [...new Set(sleeves.map(({ dataset }) => dataset))];
  return new Map(await Promise.all(names.map(async (name) => [name, await qualityOf(name, signal)])));
}

// What a dataset was that is not there any more, nobody knows.
async function qualityOf(name, signal) {
  try {
    return (await call(`/datasets/${encodeURIComponent(name)}`, { signal })).quality;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return "not there any more";
  }
}

// The last shares hold until the end.
function weights({ weights: told, sleeves: all }, end) {
  const place = chart("Weight of every sleeve through time", "20rem");
  draw(place, (theme) => ({
    traces: all.map(({ name }, at) => line(name, [...told.time, end], [...told.sleeves[name], told.sleeves[name].at(-1)], theme.series[at % 8], {
      width: 0.5, shape: "hv", stackgroup: "all", fillcolor: theme.soft(theme.series[at % 8], 0.65), hovertemplate: "%{fullData.name} %{y:.1%}<extra></extra>",
    })),
    layout: { showlegend: all.length <= 16, yaxis: { tickformat: ".0%" }, legend: { traceorder: "normal" } },
  }));
  return card("Weights", place, quiet(`${told.changes ? `Rebalanced ${counted(told.changes, "time")}` : "Always the same"}. What is missing to 100 % is cash.`));
}

function shares(found) {
  const place = chart("Contribution of every sleeve to return and risk", found.sleeves.length > 8 ? "36rem" : "20rem");
  const names = found.sleeves.map(({ name }) => name).reverse();
  const earned = names.map((name) => found.attribution[name]);
  const total = earned.reduce((sum, value) => sum + value, 0);
  draw(place, (theme) => ({
    traces: [
      { type: "bar", orientation: "h", name: "part of the risk", y: names, x: names.map((name) => found.risk_contributions?.[name] ?? null), marker: { color: theme.c2 }, hovertemplate: "%{x:.1%} of the risk<extra></extra>" },
      { type: "bar", orientation: "h", name: "earned, of the initial capital", y: names, x: earned, marker: { color: theme.c1 }, hovertemplate: "earned %{x:.1%} of the capital<extra></extra>" },
    ],
    layout: { showlegend: true, hovermode: "y unified", barmode: "group", xaxis: { tickformat: ".0%" }, yaxis: { type: "category" }, legend: { traceorder: "reversed" } },
  }));
  return card("Contributions to return and risk", place, quiet(`What was earned adds up to the total return of ${percent(total)}${found.sleeves.some((row) => row.risk_contribution !== null) ? ", the parts of the risk to 100 %" : ""}.`));
}

function correlation({ correlation: told, sleeves: all }) {
  const names = all.map(({ name }) => name);
  const z = names.map((row) => names.map((column) => told[row]?.[column] ?? null));
  if (z.flat().every((value) => value === null)) return card("Correlation", quiet("No sleeve ever moved: there is none."));
  return card("Correlation", correlations("Correlation of every two sleeves", names, names, z),
    quiet("Of the sleeves' own returns. Blue goes together, orange against each other."));
}

function sleeves({ sleeves: all }, qualities) {
  const part = (title, name, show = percent) => ({ title, number: true, show: (row) => show(row[name]), sort: (row) => row[name] });
  return card("Sleeves", table([
    { title: "Sleeve", show: ({ name }) => name, sort: ({ name }) => name },
    { title: "Strategy", show: (row) => element("a", { href: address(`strategies/${row.strategy_id}`) }, row.strategy_id), sort: (row) => row.strategy_id },
    { title: "Data", show: (row) => [row.dataset.split("@")[0], " ", quality(qualities.get(row.dataset))] },
    { title: "Parameters", show: (row) => words(params(row.params)) },
    { title: "Symbols", show: ({ symbols }) => several(symbols, 4) },
    part("Mean weight", "average_weight"), part("Last weight", "last_weight"),
    { title: "P&L", number: true, show: (row) => signed(money(row.pnl), row.pnl), sort: (row) => row.pnl },
    part("Of the risk", "risk_contribution"),
    ...METRICS.map((name) => ({ title: label(name), number: true, show: ({ metrics }) => figure(name, metrics[name]), sort: ({ metrics }) => metrics[name] })),
    { title: "Look ahead", show: ({ lookahead }) => lookahead && verdict(lookahead.verdict) },
  ], all, { label: "sleeves", caption: "Metrics are those of each sleeve run alone with the whole capital." }));
}
