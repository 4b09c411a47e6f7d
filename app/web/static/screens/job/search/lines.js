// Trials as lines across their parameters and figures. Limits on any axis pick some: dragged along it, or written.
import { actions, card, element, field, grid, group, lay, quiet, select, table } from "../../../core/dom.js";
import { figure, label, number, setting } from "../../../core/format.js";
import { here, remember } from "../../../core/router.js";
import { draw, HEIGHT, valueAt } from "./axes.js";

const MOST_AXES = 10;
const LISTED = 15;

export function lines({ result, signal }, choose) {
  const place = card("Parallel coordinates");
  const plot = element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "trials as lines across their parameters and figures" });
  const words = quiet();
  const limits = remembered();
  const written = grid();
  const list = element("div");
  let page = null;
  let axes = [];
  const clear = element("button", { onclick: () => limit(() => limits.clear()) || plot.focus() }, "Clear the limits");

  function build() {
    place.append(words, plot, element("details", { open: limits.size > 0 }, element("summary", {}, "Limits"), written, actions(clear)), list);
    new ResizeObserver(() => !signal.aborted && render()).observe(plot);
  }

  // What a limit changes: the picture, the list, the address, and the fields where it was not written in one of them.
  function limit(change, { written: own = false } = {}) {
    change();
    remember({ limits: [...limits].map(([name, [low, high]]) => `${name}:${low}:${high}`).join(",") });
    if (own) clear.disabled = !limits.size;
    else fields();
    render();
  }

  function within(row) {
    return axes.every((axis) => {
      const [low, high] = limits.get(axis.name) ?? ["", ""];
      if (low === "" && high === "") return true;
      const value = axis.of(row);
      if (!axis.numeric) return String(value) === low;
      return value !== null && (low === "" || value >= Number(low)) && (high === "" || value <= Number(high));
    });
  }

  function render() {
    const picked = page.trials.filter(within);
    const rest = limits.size ? page.trials.filter((row) => !within(row)) : [];
    draw(plot, axes, { picked, rest, limits }, drag);
    const shown = page.total === 1 ? "The only trial" : page.trials.length === page.total ? `All ${number(page.total)} trials` : `The best ${number(page.trials.length)} of ${number(page.total)} trials by ${label(page.objective[0])}`;
    words.textContent = `${shown}${limits.size ? `, ${number(picked.length)} within the limits` : ""}. The ten best are orange. Drag along an axis to limit it.`;
    if (result?.sweep.best && !limits.size) lay(list); // the best of all stand below anyway
    else lay(list, table(columns(), picked.slice(0, LISTED), { onRow: ({ trial }) => choose(trial), caption: picked.length > LISTED ? `The best ${LISTED} of them` : "", label: "trials" }));
  }

  // From where the pointer went down to where it is; a mere touch takes the limit away.
  function drag(axis, from, to) {
    const [low, high] = [valueAt(axis, Math.max(from, to)), valueAt(axis, Math.min(from, to))];
    limit(() => {
      if (Math.abs(from - to) < HEIGHT / 60 && axis.numeric) limits.delete(axis.name);
      else limits.set(axis.name, axis.numeric ? [rounded(low), rounded(high)] : [String(valueAt(axis, to)), ""]);
    });
  }

  function fields() {
    const typed = (axis, side) => element("input", {
      type: "number", step: "any", value: limits.get(axis.name)?.[side] ?? "", "aria-label": `${axis.title} ${side ? "at most" : "at least"}`, placeholder: side ? "at most" : "at least",
      onchange: (event) => limit(() => {
        const pair = limits.get(axis.name) ?? ["", ""];
        pair[side] = event.target.value;
        if (pair.some(Boolean)) limits.set(axis.name, pair);
        else limits.delete(axis.name);
      }, { written: true }),
    });
    const named = (axis) => field(axis.title, select({
      onchange: (event) => limit(() => (event.target.value ? limits.set(axis.name, [event.target.value, ""]) : limits.delete(axis.name)), { written: true }),
    }, [["", "any"], ...axis.values.map(String)], limits.get(axis.name)?.[0]));
    lay(written, axes.map((axis) => (axis.numeric
      ? group(axis.title, typed(axis, 0), typed(axis, 1)) : named(axis))));
    clear.disabled = !limits.size;
  }

  function columns() {
    return [
      { title: "Trial", number: true, show: ({ trial }) => number(trial), sort: ({ trial }) => trial },
      ...axes.map((axis) => ({ title: axis.title, number: axis.numeric, show: (row) => axis.show(axis.of(row)), sort: axis.of })),
    ];
  }

  async function show(next) {
    const first = page === null;
    page = next;
    axes = axesOf(page);
    for (const { name, numeric } of axes) if (numeric && limits.get(name)?.some((side) => !Number.isFinite(Number(side)))) limits.delete(name); // so said the address
    if (first) build();
    if (first || !written.contains(document.activeElement)) fields();
    render();
  }

  return { place, show };
}

function axesOf(page) {
  const told = Object.keys(page.better).filter((name) => page.trials.some((row) => row.figures[name] !== null));
  const figures = [...new Set([...page.objective, ...told])];
  const symbol = page.trials.some((row) => row.symbol) && { name: "symbol", title: "symbol", of: (row) => row.symbol, show: String };
  return [
    ...page.axes.map((name) => ({ name, title: name, of: (row) => row.params[name], show: setting })),
    symbol,
    ...figures.map((name) => ({ name, title: label(name), of: (row) => row.figures[name], show: (value) => figure(name, value) })),
  ].filter(Boolean).slice(0, MOST_AXES).map((axis) => scaled(axis, page.trials));
}

function scaled(axis, rows) {
  const values = [...new Set(rows.map(axis.of))].filter((value) => value !== null && value !== undefined);
  const numeric = values.every((value) => typeof value === "number");
  if (!numeric) return { ...axis, numeric, values: values.sort() };
  return { ...axis, numeric, low: values.reduce((a, b) => Math.min(a, b), Infinity), high: values.reduce((a, b) => Math.max(a, b), -Infinity) };
}

const rounded = (value) => String(Number(value.toPrecision(4)));

function remembered() {
  const said = (here().query.get("limits") ?? "").split(",").filter(Boolean).map((item) => item.split(":"));
  return new Map(said.filter((item) => item.length === 3).map(([name, low, high]) => [name, [low, high]]));
}
