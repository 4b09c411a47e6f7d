// A search: what is known of its trials, also while it runs, and how far the best of them can be trusted.
import { call } from "../../core/api.js";
import { actions, card, element, empty, facts, lay, linkButton, notice, quiet, sideBySide, table, tall } from "../../core/dom.js";
import { filled } from "../../core/forms.js";
import { caution, counted, figure, label, number, params, percent, setting } from "../../core/format.js";
import { calmly, inTurn, subscribe } from "../../core/live.js";
import { lines } from "./search/lines.js";
import { surface } from "./search/surface.js";
import { one } from "./search/trial.js";
import { statistics } from "./statistics.js";

// So many of the best trials are fetched; more lines are no picture.
const SHOWN = 2000;
const PAUSE = 1500;

export async function open(place, { job, result, signal }) {
  const context = { job, result, signal };
  const counts = element("p", { class: "quiet", role: "status" }, "Reading the trials …");
  const chosen = element("div");
  const turn = inTurn(signal);
  const choose = (trial) => filled(chosen, () => turn(async () => {
    lay(chosen, await one(context, trial));
    chosen.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }));
  const map = surface(context, choose);
  const all = lines(context, choose);
  lay(place, caution(result?.provenance.quality), counts, result && worth(result), map.place, chosen, all.place, result ? [...ranked(result, choose), files(job)] : []);

  async function refresh() {
    const page = await call(`/jobs/${job.job_id}/trials`, { query: { limit: SHOWN, sort: "best" }, signal });
    lay(counts, told(page, job, result));
    if (!page.trials.length) {
      lay(map.place, empty(job.status === "running" ? "The first trials will be here in a moment." : "No trial was made."));
      return;
    }
    await Promise.all([map.show(page), all.show(page)]);
  }

  await refresh();
  if (job.status === "running") {
    const again = calmly(refresh, PAUSE, signal);
    subscribe(`jobs/${job.job_id}`, {
      onGap: again,
      onEvent: ({ type }) => ["trial_rows", "job_progress"].includes(type) && again(),
    }, signal);
  }
}

function told(page, job, result) {
  const sweep = result?.sweep;
  if (!sweep) return [`${counted(page.total, "trial")} ${job.status === "running" ? "so far" : "made until it ended"}.`];
  const why = { exhausted: "the space has no other point", rule: "the strategy's rule excluded most of what was drawn" }[sweep.ended];
  return [[
    `${counted(sweep.trials_made, "trial")} made`, sweep.skipped && `${counted(sweep.skipped, "combination")} left out by the strategy's rule`,
    `${number(sweep.failed)} failed`, sweep.within_constraints < sweep.trials_made && `${number(sweep.within_constraints)} within the constraints`,
    sweep.trials_before && `${number(sweep.trials_before)} made before, by other searches`,
  ].filter(Boolean).join(", "), why ? `. It ended because ${why}.` : "."];
}

function files({ links }) {
  return actions(["csv", "parquet"].map((format) =>
    linkButton(`${links.export}?format=${format}&part=trials`, `All trials, ${format === "csv" ? "CSV" : "Parquet"}`)));
}

function worth(result) {
  const { sweep } = result;
  if (!sweep.best) return notice("No trial keeps to the constraints, so none is the best. All are below.");
  return sweep.statistics && statistics("What the best is worth", sweep.statistics, result.bars);
}

function ranked(result, choose) {
  const { sweep, request } = result;
  if (!sweep.best) return [];
  const axes = Object.keys(request.sweep.grid);
  const names = Object.keys(sweep.top[0].metrics).filter((name) => sweep.top.some(({ metrics }) => metrics[name] !== null));
  const first = [...new Set([...request.sweep.objective, ...names])];
  return [
    card(`The best ${sweep.top.length}`, tall(table([
      { title: "Trial", number: true, show: ({ trial }) => number(trial), sort: ({ trial }) => trial },
      sweep.top[0].symbol && { title: "Symbol", show: ({ symbol }) => symbol, sort: ({ symbol }) => symbol },
      ...axes.map((name) => ({ title: name, number: true, show: (row) => setting(row.params[name]), sort: (row) => row.params[name] })),
      ...first.map((name) => ({ title: label(name), number: true, show: ({ metrics }) => figure(name, metrics[name]), sort: ({ metrics }) => metrics[name] })),
    ].filter(Boolean), sweep.top, { onRow: ({ trial }) => choose(trial), label: "the best trials" }))),
    sideBySide(neighbourhood(sweep), others(sweep, choose), importance(sweep)),
  ];
}

function neighbourhood({ plateau, objective, best }) {
  if (!plateau) return null;
  const same = plateau.trial === best.trial;
  return card("Plateau",
    element("p", {}, `${params(plateau.params)}: the mean of ${label(objective)} over it and its ${counted(plateau.neighbours, "neighbour")} is ${figure(objective, plateau.mean)}; its own is ${figure(objective, plateau.figures[objective])}.`),
    quiet(same ? "It is the best trial itself." : "The best trial is another one. One good trial among bad ones is luck."));
}

function others(sweep, choose) {
  const rows = Object.entries(sweep.best_by ?? {}).filter(([, row]) => row);
  if (rows.length < 2) return null;
  return card("Best by each objective", table([
    { title: "Objective", show: ([name]) => label(name) },
    { title: "Value", number: true, show: ([name, row]) => figure(name, row.figures[name]) },
    { title: "Parameters", show: ([, row]) => params(row.params) },
  ], rows, { onRow: ([, row]) => choose(row.trial), label: "best by each objective" }));
}

function importance({ importance: shares, objective }) {
  const rows = Object.entries(shares ?? {}).filter(([, share]) => share !== null).sort((a, b) => b[1] - a[1]);
  if (!rows.length) return null;
  return card("Importance of the parameters",
    facts(rows.map(([name, share]) => [name, element("span", { class: "share" },
      element("meter", { min: 0, max: 1, value: share, "aria-label": name }), percent(share, 0))]), "lines"),
    quiet(`The part of the variance of ${label(objective)} that each explains alone.`));
}
