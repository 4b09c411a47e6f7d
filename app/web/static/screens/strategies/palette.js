// What an expression may say; a function is put where one was writing.
import { card, element, field, lay, quiet } from "../../core/dom.js";

const GIVES = { series: "a series", truth: "true or false", number: "a number" };

export function palette(functions, form) {
  let last = null;
  form.addEventListener("focusin", ({ target }) => {
    if (target.matches("textarea")) last = target;
  });
  const list = element("ul", { class: "feed" });
  const filter = element("input", { type: "search", placeholder: "any", oninput: narrow });

  function insert(call) {
    const into = last?.isConnected ? last : form.querySelector("fieldset:not([hidden]) textarea");
    into.setRangeText(call, into.selectionStart, into.selectionEnd, "end");
    into.focus();
    into.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function narrow() {
    const asked = filter.value.toLowerCase();
    lay(list, functions.filter(({ name }) => name.includes(asked)).map(({ call, gives, fields }) => element("li", {},
      element("button", { type: "button", class: "link code", onclick: () => insert(call) }, call), " ",
      element("span", { class: "quiet" }, fields.length ? fields.map((name) => `.${name}`).join(" ") : GIVES[gives] ?? "as its arguments"))));
  }

  narrow();
  return card("What it may say",
    quiet("Prices: ", ...["open", "high", "low", "close", "volume"].flatMap((name) => [element("code", {}, name), " "]),
      "and, of one symbol of the dataset, ", element("code", {}, 'close["SP500"]'), ". ", element("code", {}, "symbol_count"), " is how many symbols there are."),
    quiet("Operators: ", element("code", {}, "or and not < <= > >= == != + - * /"), "."),
    field("Function", filter, "Choose one to write it where you are."), list);
}
