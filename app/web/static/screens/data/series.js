// The series that strategies read beside prices, each as it was known on a day.
import { call } from "../../core/api.js";
import { chart, draw } from "../../core/charts.js";
import { card, element, empty, field, grid, lay, quiet, table, tall } from "../../core/dom.js";
import { caution, date, day, number, quality, when } from "../../core/format.js";
import { filled } from "../../core/forms.js";
import { inTurn } from "../../core/live.js";
import { remember } from "../../core/router.js";

const POINTS = 4000;
const TOLD = 20; // of the newest values

export async function open(place, { query, signal }) {
  const { series } = await call("/macro/series", { signal });
  if (!series.length) return place.append(card(null, empty("There are no series yet.", "#/data?tab=add", "Add some")));
  const view = element("div", { class: "screen" });
  const list = tall();
  const filter = element("input", { type: "search", placeholder: "any", value: query.get("find") ?? "", oninput: narrow });
  let chosen = series.find((item) => item.key === query.get("key") && item.dataset_id === (query.get("dataset") ?? item.dataset_id)) ?? series[0];

  function narrow() {
    remember({ find: filter.value });
    const words = filter.value.toLowerCase().split(/\s+/);
    const rows = series.filter((item) => words.every((word) => `${item.key} ${item.title} ${item.dataset_id} ${item.unit}`.toLowerCase().includes(word)));
    lay(list, rows.length ? table(COLUMNS, rows, { onRow: choose, current: (item) => item === chosen, label: "series" }) : empty("No series is like that."));
  }

  async function choose(item) {
    chosen = item;
    remember({ key: item.key, dataset: item.dataset_id });
    await show(view, item, query, signal);
  }

  place.append(element("div", { class: "aside" }, card("Series", field("Find", filter), list), view));
  narrow();
  const row = list.querySelector("[aria-current=true]");
  if (row) list.scrollTop = row.offsetTop - list.offsetTop - row.offsetHeight;
  await show(view, chosen, query, signal);
}

const COLUMNS = [
  { title: "Series", show: (item) => [item.key, element("span", { class: "hint" }, item.title)], sort: (item) => item.key },
  { title: "Dataset", show: (item) => [item.dataset_id, " ", quality(item.quality)], sort: (item) => item.dataset_id },
];

async function show(view, item, query, signal) {
  const place = chart(`${item.key} through time`, "28rem");
  const values = element("div");
  const turn = inTurn(signal);
  const asOf = element("input", { type: "date", value: query.get("as_of") ?? "", onchange: read });
  const vintages = element("input", { type: "checkbox", checked: query.get("vintages") === "true", onchange: read });

  function read() {
    return filled(values, () => turn(ask));
  }

  async function ask() {
    const asked = { as_of: asOf.value, vintages: vintages.checked ? "true" : "" };
    remember(asked);
    for (const [name, value] of Object.entries(asked)) query.set(name, value); // the next series is read the same way
    const told = await call(`/macro/series/${encodeURIComponent(item.key)}`, {
      query: { ...asked, dataset: `${item.dataset_id}@${item.dataset_version}`, points: POINTS }, signal,
    });
    await draw(place, (theme) => drawing(theme, told.observations, vintages.checked));
    lay(values, newest(told));
  }

  lay(view,
    caution(item.quality, `This series is ${item.quality}`),
    card(`${item.key}: ${item.title}`,
      quiet(`${item.unit}, ${item.frequency}, ${day(item.first)} to ${day(item.last)} · ${item.source} · counts as the present value for ${number(item.stale_days, 1)} days`),
      grid(field("As known on", asOf, "Empty: everything that was published."),
        item.revised && element("label", {}, vintages, "Every value that was published, with those that were revised")),
      place),
    card("Latest values", values));
  await read();
}

function drawing(theme, observations, dots) {
  const line = dots ? { mode: "markers", marker: { color: theme.c1, size: 5, opacity: 0.6 } } : { mode: "lines", line: { color: theme.c1, width: 1.4, shape: "hv" } };
  return {
    traces: [{
      type: "scatter", ...line, x: observations.map(({ observed }) => observed), y: observations.map(({ value }) => value),
      text: observations.map(({ available }) => `known since ${available.slice(0, 16).replace("T", " ")} UTC`), hovertemplate: "%{x|%Y-%m-%d}: %{y}<br>%{text}<extra></extra>",
    }],
    layout: { hovermode: "closest", xaxis: { type: "date" } },
  };
}

function newest({ observations }) {
  if (!observations.length) return empty("Nothing was known by then.");
  return table([
    { title: "Observed", show: ({ observed }) => date(observed) },
    { title: "Available", show: ({ available }) => when(available, { seconds: false }) },
    { title: "Value", number: true, show: ({ value }) => number(value, 4) },
  ], observations.slice(-TOLD).reverse(), { label: "values" });
}
