// The fields of an expression strategy: the document that they make, and what is wrong with it at its place.
import { element, field, lay, notice } from "../../core/dom.js";

const TEXTS = { entries: ["entry", "exit", "short_entry", "short_exit"], weight: ["weight"] };

export function expression(name, label, placeholder) {
  return field(label, element("textarea", { name, rows: 3, spellcheck: "false", autocomplete: "off", placeholder }));
}

// What is empty is left out; of entries and weight only the kind that is chosen counts.
export function documentOf(form, rows) {
  const kind = form.elements.kind.value;
  const texts = TEXTS[kind].map((name) => [name, form.elements[`/${name}`].value]).filter(([, text]) => text.trim());
  const most = form.elements["/max_weight"].value;
  return {
    name: form.elements["/name"].value, params: rows.read(), ...Object.fromEntries(texts),
    ...(kind === "weight" && most !== "" && { max_weight: Number(most) }),
  };
}

export function forgive(form) {
  for (const said of form.querySelectorAll("[data-refusal]")) said.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

export function refuse(form, rows, status, { message, problem }) {
  const pointer = problem.pointer ?? "";
  const input = rows.input(pointer) ?? form.elements[pointer];
  lay(status, input?.closest("[hidden]") || !input ? notice(message, "bad") : notice("It cannot be posted yet: see what is marked."));
  if (!input) return;
  input.setAttribute("aria-invalid", "true");
  const said = element("div", { class: "hint bad", role: "alert" }, message, problem.position === undefined ? "" : shown(input, problem.position));
  said.dataset.refusal = "";
  (input.closest(".field") ?? input).after(said);
}

// The text with the mistake underlined, and a way to it.
function shown(input, position) {
  const text = input.value;
  const word = text.slice(position).match(/^(\w+|\S|$)/)?.[0] ?? "";
  const after = position + word.length;
  function select() {
    input.focus();
    input.setSelectionRange(position, after);
  }
  return element("div", {},
    element("pre", { class: "mistake" }, text.slice(0, position), element("mark", {}, word || " "), text.slice(after)),
    element("button", { type: "button", class: "link", onclick: select }, "Go to it"));
}
