// The parts that screens are made of.
import { remembered } from "./keep.js";

// element("button", { class: "primary", onclick: run }, "Run"): children that are null, undefined or false are left out.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...there(children));
  return made;
}

// The same for a place that is there already: these parts instead of what stood in it. What somebody did there stays.
export function lay(place, ...children) {
  const back = remembered(place);
  place.replaceChildren(...there(children));
  back();
}

function there(children) {
  return children.flat().filter((child) => child !== null && child !== undefined && child !== false);
}

export function card(title, ...children) {
  return element("section", { class: "card" }, title && element("h2", {}, title), ...children);
}

// What an empty place says, and the next step.
export function empty(text, link, name) {
  return element("p", { class: "empty" }, text, link && " ", link && element("a", { href: link }, name));
}

export function notice(text, kind = "") {
  return element("p", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : null }, text);
}

// What every screen needs: words beside the point, buttons in a row, cards and inputs beside each other, what scrolls
// where it is long, what need not be wide.
const classed = (name, style) => (...children) => element(name, { class: style }, ...children);
export const quiet = classed("p", "quiet");
export const actions = classed("div", "actions");
export const sideBySide = classed("div", "columns");
export const grid = classed("div", "grid");
export const tall = classed("div", "tall");
export const short = classed("div", "short");

// The title of a screen, and what stands beside it.
export function header(title, ...children) {
  return element("header", {}, element("h1", {}, title), ...children);
}

// What is shown when it is opened.
export function folded(title, ...children) {
  return element("details", {}, element("summary", {}, title), ...children);
}

// Inputs that belong together.
export function group(title, ...children) {
  return element("fieldset", {}, element("legend", {}, title), ...children);
}

// A link that looks like a button.
export function linkButton(href, name) {
  return element("a", { class: "button", href }, name);
}

// Pairs of a name and what it is.
export function facts(pairs, className = "") {
  return element("dl", { class: className }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

// Sentences in a cell of a table: as wide as they need to be read.
export function words(text) {
  return element("span", { class: "words" }, text);
}

// An input under its label. What explains it is read after its name, not as a part of it.
export function field(label, input, hint) {
  fields += 1;
  input.id ||= `field-${fields}`;
  const words = hint ? element("span", { class: "hint", id: `hint-${fields}` }, hint) : null;
  if (words) input.setAttribute("aria-describedby", words.id);
  if (input.type === "checkbox") return element("div", { class: "field" }, element("label", {}, input, label), words);
  return element("div", { class: "field" }, element("label", { for: input.id }, label), input, words);
}
let fields = 0;

export function select(attributes, options, chosen) {
  return element("select", attributes, options.map((option) => {
    const [value, text] = Array.isArray(option) ? option : [option, option];
    return element("option", { value, selected: String(value) === String(chosen ?? "") }, text);
  }));
}

// Other options for one that is there. It is left alone where they are the same: a list that is open would close.
export function offer(place, options, chosen) {
  const made = select({}, options);
  const said = (list) => JSON.stringify([...list.children].map(({ value, text }) => [value, text]));
  if (said(made) !== said(place)) place.replaceChildren(...made.children);
  place.value = chosen;
}

// Tabs whose choice the caller keeps; arrows move between them. `panel` is the id of what they change.
export function tabs(items, chosen, onChoose, panel) {
  const bar = element("div", { class: "tabs", role: "tablist" });
  const buttons = items.map(([name, title]) => element("button", {
    role: "tab", id: `tab-${name}`, "aria-selected": String(name === chosen), "aria-controls": panel,
    tabindex: name === chosen ? 0 : -1, onclick: () => choose(name),
  }, title));
  function choose(name) {
    items.forEach(([other], at) => {
      buttons[at].setAttribute("aria-selected", String(other === name));
      buttons[at].tabIndex = other === name ? 0 : -1;
    });
    onChoose(name);
  }
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
    buttons[at].focus();
    buttons[at].click();
  });
  bar.append(...buttons);
  return bar;
}

// A table. Columns: { title, show: (row) => node, sort: (row) => value, number: whether it stands to the right }.
// With `onRow` a row can be chosen, by mouse and by Enter; `current` says which row is. `key(row)` tells a row from others
// when its text changes.
export function table(columns, rows, { onRow, key = () => null, current = () => false, caption, label } = {}) {
  const body = element("tbody");
  const heads = columns.map((column) => element("th", { scope: "col", class: column.number ? "number" : null },
    column.sort ? element("button", { class: "link", onclick: () => order(column) }, column.title) : column.title));
  let by = null;
  let down = false;

  function order(column) {
    down = by === column ? !down : Boolean(column.number); // the largest figure first
    by = column;
    columns.forEach((other, at) => {
      if (other === by) heads[at].setAttribute("aria-sort", down ? "descending" : "ascending");
      else heads[at].removeAttribute("aria-sort");
    });
    fill();
  }

  function fill() {
    const shown = by ? [...rows].sort((a, b) => compared(by.sort(a), by.sort(b)) * (down ? -1 : 1)) : rows;
    body.replaceChildren(...shown.map(line));
  }

  function line(row) {
    const cells = columns.map((column) => element("td", { class: column.number ? "number" : null }, column.show(row)));
    if (!onRow) return element("tr", {}, cells);
    const choose = () => {
      onRow(row);
      for (const other of body.children) other.removeAttribute("aria-current");
      made.setAttribute("aria-current", "true");
    };
    const made = element("tr", {
      class: "choice", tabindex: 0, "data-key": key(row), "aria-current": current(row) && "true", onclick: ({ target }) => target.closest("a, button, input") || choose(),
      onkeydown: (event) => event.key === "Enter" && event.target === made && choose(),
    }, cells);
    return made;
  }

  fill();
  return element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": label ?? caption ?? "table" },
    element("table", {}, caption && element("caption", {}, caption), element("thead", {}, element("tr", {}, heads)), body));
}

// What is undefined stands last when the smallest comes first.
function compared(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  return a < b ? -1 : 1;
}

// Words that pass by, for what happens elsewhere on the platform.
export function toast(...children) {
  const place = document.getElementById("toasts");
  const made = element("div", { class: "toast" }, ...children, element("button", {
    class: "link", "aria-label": "Dismiss", onclick: () => made.remove(),
  }, "×"));
  [...place.children].find((other) => other.textContent === made.textContent)?.remove(); // said once is enough
  place.append(made);
  while (place.children.length > 4) place.firstChild.remove();
  setTimeout(() => made.remove(), 8000);
}
