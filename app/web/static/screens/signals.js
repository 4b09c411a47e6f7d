// What strategies say now: by day, by symbol, as it happens; and which of them say nothing, and why.
import { call } from "../core/api.js";
import { card, element, empty, field, grid, header, lay, offer, select, table, tall, words } from "../core/dom.js";
import { answers, filled, filters } from "../core/forms.js";
import { bar, day, number, quality } from "../core/format.js";
import { calmly, inTurn, subscribe } from "../core/live.js";
import { remember } from "../core/router.js";
import { heatMap } from "./signals/heatmap.js";
import { told, turned } from "./signals/news.js";
import { change, computing, conviction, direction } from "./signals/parts.js";
import { strategyCard } from "./signals/strategy.js";

const DAYS = [["7", "a week"], ["30", "30 days"], ["90", "90 days"], ["365", "a year"]];
const DIRECTIONS = ["LONG", "SHORT", "NEUTRAL"];
const MOST_ENDS = 12;
const HEARD = 30; // the last so many events are shown

export async function open(place, { query, signal }) {
  let latest = { signals: [], missing: [] };
  let map = { days: [], strategies: [] };
  let inner = new AbortController();
  const turn = inTurn(signal);
  const heard = [];
  signal.addEventListener("abort", () => inner.abort());

  const strategy = select({ name: "strategy" }, [["", "all"], ...said(query, "strategy")], query.get("strategy"));
  const end = select({ name: "end" }, [["", "the newest"], ...said(query, "end")], query.get("end"));
  const symbols = element("datalist", { id: "symbols" });
  const form = filters({ class: null, onchange: filter },
    field("Strategy", strategy),
    grid(
      field("Symbol", element("input", { name: "symbol", list: "symbols", value: query.get("symbol") ?? "", placeholder: "any" })),
      field("Direction", select({ name: "direction" }, [["", "all"], ...DIRECTIONS], query.get("direction")))),
    grid(
      field("Map of", select({ name: "days" }, DAYS, query.get("days") ?? "30")), field("Up to", end)), symbols);
  const feed = element("ol", { class: "feed", tabindex: 0, "aria-label": "what is new", "aria-live": "polite" });
  const turns = element("div");
  const silent = element("details", { class: "card" });
  const days = element("div");
  const chosen = element("div");
  const list = tall();
  place.append(
    header("Signals"),
    element("div", { class: "aside" },
      element("div", { class: "screen" }, card(null, form), silent, card("Live feed", feed), card("Flips and surges on the map", turns)),
      card("Conviction by day", days)),
    chosen, card("Latest signals", list));
  tellFeed();

  const asked = () => answers(form);

  async function filter(event) {
    remember(asked());
    if (["days", "end"].includes(event.target.name)) await filled(days, reload);
    else render();
    tellFeed();
    if (["days", "strategy", "symbol"].includes(event.target.name)) await openStrategy();
  }

  // The days on which some of them had their last word.
  function ends(signals) {
    const last = new Map();
    for (const { strategy_id, time } of signals) last.set(strategy_id, day(time));
    const days = [...new Set(last.values())].sort().reverse().slice(0, MOST_ENDS);
    const count = (wanted) => [...last.values()].filter((one) => one === wanted).length;
    const kept = end.value;
    const known = [...new Set([...days, kept])].filter(Boolean);
    offer(end, [["", "the newest"], ...known.map((value) => [value, `${value} (last of ${count(value)})`])], kept);
  }

  const reload = () => turn(read);

  async function read() {
    [latest, map] = await Promise.all([
      call("/signals/latest", { signal }), call("/signals/heatmap", { query: { days: asked().days, end: asked().end }, signal })]);
    ends(latest.signals);
    const known = map.strategies.map(({ strategy_id }) => strategy_id).sort();
    offer(strategy, [["", "all"], ...known], known.includes(strategy.value) ? strategy.value : "");
    offer(symbols, [...new Set(latest.signals.map(({ symbol }) => symbol))].sort());
    render();
  }

  function render() {
    const wanted = asked();
    const rows = latest.signals.filter((row) => fits(row, wanted)).sort(newestFirst);
    const speaking = new Set(rows.map(({ strategy_id }) => strategy_id));
    const filtered = wanted.symbol || wanted.direction;
    const lines = map.strategies.filter(({ strategy_id }) => (!wanted.strategy || strategy_id === wanted.strategy) && (!filtered || speaking.has(strategy_id)));
    lay(turns, turned(map.days, lines, choose));
    heatMap(days, { days: map.days, strategies: lines }, choose);
    lay(list, rows.length ? table(COLUMNS, rows, { label: "latest signals", onRow: ({ strategy_id }) => choose(strategy_id), current: ({ strategy_id }) => strategy_id === wanted.strategy })
      : empty(latest.signals.length ? "No signal is like that." : "No strategy has spoken yet. They do by themselves; “Compute now” does not wait."));
    silent.hidden = !latest.missing.length;
    lay(silent, silence(latest.missing));
  }

  async function choose(id) {
    strategy.value = id;
    remember(asked());
    render();
    await openStrategy();
    chosen.scrollIntoView({ block: "nearest" });
  }

  async function openStrategy() {
    inner.abort();
    inner = new AbortController();
    const { strategy: id, symbol, days: span } = asked();
    if (!id) return lay(chosen);
    const { signal: ends } = inner; // of this choice: it is not asked for again after another one
    await filled(chosen, () => strategyCard(chosen, { id, symbol, days: span, missing: latest.missing.find((item) => item.strategy_id === id), signal: ends }));
  }

  function tellFeed(event) {
    if (event) heard.unshift(event);
    heard.splice(HEARD);
    const rows = heard.filter(({ data }) => fits(data, asked()));
    lay(feed, rows.length ? rows.map((event) => told(event, choose)) : element("li", { class: "quiet" }, "Nothing new since this page was opened."));
  }

  // The chosen strategy is read anew only where it spoke: others may speak without a pause.
  let spoke = false;
  const refresh = calmly(async () => {
    const anew = spoke;
    spoke = false;
    await reload();
    if (anew) await openStrategy();
  }, 500, signal);
  subscribe("signals", {
    onGap: () => {
      spoke = true;
      refresh();
    },
    onEvent: (event) => {
      spoke ||= namesOf(event.data).includes(strategy.value);
      tellFeed(event);
      refresh();
    },
  }, signal);
  await reload();
  await openStrategy();
}

function said(query, name) {
  return query.get(name) ? [query.get(name)] : [];
}

// A divergence is of many strategies, each with a direction of its own.
function fits(row, { strategy, symbol, direction }) {
  return (!strategy || namesOf(row).includes(strategy)) && (!symbol || row.symbol === symbol) && (!direction || !row.direction || row.direction === direction);
}

function namesOf({ strategy_id: id, long = [], short = [] }) {
  return id ? [id] : [...long, ...short].map(({ strategy_id }) => strategy_id);
}

// The newest bars first, and of one bar the surest.
function newestFirst(a, b) {
  if (a.time !== b.time) return a.time < b.time ? 1 : -1;
  return Math.abs(b.conviction) - Math.abs(a.conviction);
}

const COLUMNS = [
  { title: "Strategy", show: (row) => row.strategy_id, sort: (row) => row.strategy_id },
  { title: "Symbol", show: (row) => row.symbol, sort: (row) => row.symbol },
  { title: "Direction", show: (row) => [direction(row), " ", change(row)], sort: (row) => row.direction },
  { title: "Conviction", number: true, show: conviction, sort: (row) => row.conviction },
  { title: "Strength", show: (row) => row.strength, sort: (row) => row.strength },
  { title: "Weight", number: true, show: (row) => number(row.weight, 3), sort: (row) => row.weight },
  { title: "z", number: true, show: (row) => number(row.z_score), sort: (row) => row.z_score },
  { title: "Why", show: (row) => words(row.reason) },
  { title: "Bar", show: (row) => bar(row.time), sort: (row) => row.time },
  { title: "Data", show: (row) => [row.dataset_id, " ", quality(row.quality)], sort: (row) => row.dataset_id },
];

function silence(missing) {
  const rows = table([
    { title: "Strategy", show: (row) => row.strategy_id }, { title: "Why", show: (row) => words(row.message) },
    { title: "Again", show: (row) => computing(row.strategy_id) },
  ], missing, { label: "strategies that have not spoken" });
  const count = `${missing.length} ${missing.length === 1 ? "strategy has" : "strategies have"} not spoken at the present versions`;
  return [element("summary", {}, count), tall(rows)];
}
