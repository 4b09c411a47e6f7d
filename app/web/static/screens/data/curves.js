// Yield curves as they were known on a day, beside another day.
import { call } from "../../core/api.js";
import { chart, draw, letters } from "../../core/charts.js";
import { actions, card, element, empty, field, grid, lay, quiet, select, table } from "../../core/dom.js";
import { caution, date, day, later, number, when } from "../../core/format.js";
import { tried } from "../../core/forms.js";
import { inTurn } from "../../core/live.js";
import { line } from "../../core/plots.js";
import { remember } from "../../core/router.js";

export async function open(place, { query, signal }) {
  const { curves } = await call("/macro/curves", { signal });
  if (!curves.length) return place.append(card(null, empty("No series make a curve: yields in percent, called by a name and a tenor such as DI_1Y.", "#/data?tab=add", "Add some")));
  const name = ({ curve, dataset_id }) => `${curve} ${dataset_id}`;
  const asked = curves.find((item) => name(item) === query.get("curve")) ?? [...curves].sort((a, b) => b.tenors.length - a.tenors.length)[0];
  const which = select({ onchange: read }, curves.map((item) => [name(item), `${item.curve}, of ${item.dataset_id}`]), name(asked));
  const on = element("input", { type: "date", value: query.get("date") ?? "", onchange: read });
  const beside = element("input", { type: "date", value: query.get("beside") ?? "", onchange: read });
  const plot = chart("Yield by tenor", "28rem");
  const turn = inTurn(signal);
  const said = element("div");
  const points = element("div");

  function read() {
    remember({ curve: which.value, date: on.value, beside: beside.value });
    return tried(said, () => turn(show));
  }

  async function show() {
    const item = curves.find((other) => name(other) === which.value);
    for (const input of [on, beside]) [input.min, input.max] = [item.first, item.last];
    const known = (day) => call(`/macro/curves/${item.curve}`, { query: { dataset: `${item.dataset_id}@${item.dataset_version}`, date: day }, signal });
    const [now, then] = await Promise.all([known(on.value), beside.value ? known(beside.value) : null]);
    lay(said,
      caution(item.quality, `These yields are ${item.quality}`),
      quiet("As known at ", when(now.as_of, { seconds: false }), `; ${now.compounding}, in ${now.unit}.`));
    await draw(plot, (theme) => ({
      traces: [then && curveLine(then, theme.c2, "dot"), curveLine(now, theme.c1)].filter(Boolean),
      layout: { showlegend: Boolean(then), xaxis: { title: { text: "years" }, rangemode: "tozero" }, yaxis: { title: { text: letters(now.unit) } } },
    }));
    lay(points, table(columns(then), now.points, { label: "tenors" }));
  }

  // The day before or after the one that is shown; a day without a session has what was known on it.
  function step(days) {
    const item = curves.find((other) => name(other) === which.value);
    on.value = later(on.value || item.last, days);
    return read();
  }

  place.append(card(null,
    grid(field("Curve", which), field("On", on, "Empty: the last day."), field("Compared with", beside, "Another day.")),
    actions(
      element("button", { onclick: () => step(-365) }, "A year back"), element("button", { onclick: () => step(-1) }, "Day before"), element("button", { onclick: () => step(1) }, "Day after")),
    said), card(null, plot), card("By tenor", points));
  await read();
}

function curveLine(curve, colour, dash) {
  const known = curve.points.filter((point) => point.yield !== null);
  return line(day(curve.as_of), known.map(({ years }) => years), known.map((point) => point.yield), colour, {
    mode: "lines+markers", dash, width: 1.6, marker: { color: colour, size: 7 }, text: known.map(({ tenor }) => tenor), hovertemplate: "%{text}: %{y:.3f}<extra>%{fullData.name}</extra>",
  });
}

function columns(then) {
  const before = new Map((then?.points ?? []).map((point) => [point.tenor, point.yield]));
  const change = (point) => point.yield === null || (before.get(point.tenor) ?? null) === null ? null : (point.yield - before.get(point.tenor)) * 100;
  return [
    { title: "Tenor", show: ({ tenor }) => tenor },
    { title: "Series", show: ({ key }) => key },
    { title: "Yield", number: true, show: (point) => number(point.yield, 3) },
    ...(then ? [{ title: `Change since ${day(then.as_of)}, bp`, number: true, show: (point) => number(change(point), 1) }] : []),
    { title: "Roll-down over 21 sessions, bp", number: true, show: ({ roll_down: value }) => number(value === null ? null : value * 10_000, 2) },
    { title: "Of", show: ({ observed }) => date(observed) },
  ];
}
