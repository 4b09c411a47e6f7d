// One strategy: what it does and on what, its parameters, those that stand, whether it looks ahead, and its latest result.
import { call, unlessRefused } from "../../core/api.js";
import { actions, card, element, empty, facts, header, lay, linkButton, quiet, sideBySide, table, words } from "../../core/dom.js";
import { figure, label, params, quality, setting, verdict, when } from "../../core/format.js";
import { follow } from "../../core/following.js";
import { action, confirmed, tried } from "../../core/forms.js";
import { address, go } from "../../core/router.js";
import { standing } from "./standing.js";

const FIGURES = ["total_return", "cagr", "sharpe", "max_drawdown"];

export async function open(place, { rest: [id], signal }) {
  const there = `/strategies/${encodeURIComponent(id)}`;
  const found = await call(there, { signal });
  document.title = `${found.strategy_id} · Queuant`;
  const honest = element("div");

  async function judged() {
    const { lookahead } = await call(there, { signal });
    lay(honest, judgement(lookahead));
  }

  lay(place,
    heading(found, place),
    sideBySide(about(found), card("Look ahead", honest, checking(there, judged, signal))),
    parameters(found),
    sideBySide(await standing(found, there, signal), await latest(there, signal)),
    found.series.length > 0 && reads(found),
    found.spec && card("As it was posted", element("pre", { tabindex: 0 }, JSON.stringify(found.spec, null, 2))));
  lay(honest, judgement(found.lookahead));
}

function heading(found, place) {
  async function withdraw() {
    const sure = await confirmed(`Take ${found.strategy_id} off the shelf?`, "Jobs that name it still run and keep their results. Posting it again brings it back.", "Take it off");
    if (sure && await tried(place, () => call(`/strategies/expressions/${found.strategy_id}`, { method: "DELETE" }))) go("strategies");
  }
  return header(found.strategy_id, element("span", { class: "badge" }, found.family), element("span", { class: "quiet" }, `version ${found.version}`),
    actions(
      linkButton(address("new", { strategy: found.strategy_id }), "Run"),
      linkButton(address("jobs", { strategy_id: found.strategy_id }), "Its jobs"),
      found.spec && linkButton(address("strategies", { tab: "write", of: found.strategy_id }), "Change"),
      found.spec && element("button", { onclick: withdraw }, "Delete")));
}

function about(found) {
  const [first, ...rest] = found.doc.split(/\n\s*\n/);
  return card("What it does", element("p", {}, first), ...rest.map((text) => quiet(text)), facts([
    ["Source", found.source],
    ["Runs on", found.dataset ? element("a", { href: address(`data/${found.dataset}`) }, found.dataset) : "the dataset that a run names"],
    [found.legs ? "Legs, traded by name" : "Symbols", found.symbols.join(", ") || "all of the dataset, or those that a run names"],
    ["Looks at besides", found.beside.join(", ")], ["Calendars", found.calendars.join(", ")],
    ["Its own settings of a run", Object.keys(found.defaults).length ? params(found.defaults) : null],
  ], "lines"));
}

function judgement(known) {
  return [
    element("p", {}, verdict(known.verdict)), element("p", {}, known.sentence),
    quiet(known.on ? [`On ${known.on}, `, when(known.checked_at), "."] : ""),
  ];
}

// A check on the strategy's own data, again even if it was made before.
function checking(there, judged, signal) {
  const said = element("div");
  const check = action("Check for look-ahead", said, async () => {
    const taken = await call(`${there}/verify`, { method: "POST", body: {}, query: { fresh: "true" }, signal });
    await follow(said, taken.job_id, signal, async () => { await judged(); });
  });
  return element("div", {},
    quiet("Its decisions are compared with those that it makes when later bars and publications are taken away."),
    actions(check), said);
}

function parameters({ parameters: { properties } }) {
  const rows = Object.entries(properties).map(([name, told]) => ({ name, ...told }));
  if (!rows.length) return card("Parameters", empty("It has none."));
  const range = ({ minimum, maximum, enum: options }) => options ? options.join(", ") : minimum === undefined ? "" : `${setting(minimum)} to ${setting(maximum)}`;
  return card("Parameters", table([
    { title: "Name", show: ({ name }) => element("code", {}, name) },
    { title: "Type", show: ({ type }) => type }, { title: "Default", number: true, show: (row) => String(row.default) },
    { title: "Range", show: range }, { title: "What", show: ({ description }) => words(description ?? "") },
  ], rows, { label: "parameters" }));
}

function reads({ series, dataset }) {
  return card("Series that it reads", table([
    { title: "Series", show: ({ key, group }) => dataset && !group ? element("a", { href: address("data", { tab: "series", key, dataset }) }, key) : key },
    { title: "Unit", show: ({ unit }) => unit }, { title: "Needed", show: ({ optional }) => (optional ? "no: it is used where it is there" : "yes") },
    { title: "Of several", show: ({ group }) => (group ? "one for each name after a dot" : "") },
  ], series, { label: "series" }));
}

async function latest(there, signal) {
  const result = await unlessRefused(["no_results"], () => call(`${there}/backtest`, { signal }), () => null);
  if (!result) return card("Latest result", empty("You have not run it yet.", address("new", { strategy: there.split("/").at(-1) }), "Run it"));
  const { request, metrics, provenance } = result;
  return card("Latest result",
    quiet(`${request.dataset_id}, ${request.start_date} to ${request.end_date} · ${params(request.params)} `, quality(provenance.quality)),
    facts(FIGURES.map((name) => [label(name), figure(name, metrics[name])])),
    actions(linkButton(address(`job/${result.job_id}`), "Open it")));
}
