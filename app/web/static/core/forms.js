// Forms and dialogs. What is refused is said at the input that it is about, else at the end.
import { onceAnswered, Refused, Unanswered } from "./api.js";
import { actions, element, lay, notice, toast } from "./dom.js";
import { complain } from "./schema.js";

const REST_MS = 350; // of the keyboard

// What a form does when it is sent.
export function submits(work) {
  return async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    await once(event.submitter ?? form, () => tried(form, work));
  };
}

// Do it, and show in `place` when it is refused, or beside the page where that place is gone. Resolves to whether it was not.
export async function tried(place, work) {
  for (const said of place.querySelectorAll("[data-refusal]")) said.remove();
  complain(place, null);
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (!place.isConnected) toast(error.message);
    for (const text of complain(place, error.problem)) {
      const said = notice(text, "bad");
      said.dataset.refusal = "";
      place.append(said);
    }
    place.querySelector("[aria-invalid]")?.focus();
    return false;
  }
}

// Do what fills `place`; a refusal stands there instead, and until somebody answers where nobody did.
export async function filled(place, work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    lay(place, notice(error.message, "bad"));
    if (error instanceof Unanswered) onceAnswered(() => filled(place, work), () => place.isConnected);
  }
}

// What the API makes of a form while it is being written: `ask()` once the keyboard rests, and `tell(answer, refusal)`, of
// which one is null. Only the newest question is told. `stop()`: what was asked for is not wanted any more; what it returns
// says whether nothing was asked since.
export function tryingOut(ask, tell, signal) {
  let timer = null;
  let newest = 0;

  async function now() {
    const mine = newest;
    const said = await ask().then((answer) => [answer, null], (error) => {
      if (error instanceof Refused) return [null, error];
      throw error;
    });
    if (mine === newest && !signal.aborted) tell(...said);
  }

  function stop() {
    clearTimeout(timer);
    const mine = newest += 1;
    return () => mine === newest;
  }

  function soon() {
    stop();
    timer = setTimeout(now, REST_MS);
  }

  return { soon, stop };
}

// A button that does something, once at a time, and shows in `place` when it is refused.
export function action(name, place, work, attributes = {}) {
  const button = element("button", { type: "button", ...attributes, onclick: () => once(button, () => tried(place, work)) }, name);
  return button;
}

// Do it unless it is being done. A button that were `disabled` meanwhile would lose the keyboard.
export async function once(button, work) {
  if (button.ariaDisabled) return;
  button.ariaDisabled = "true";
  try {
    await work();
  } finally {
    button.ariaDisabled = null;
  }
}

// Inputs that narrow what a screen shows. Nothing is sent.
export function filters(attributes, ...fields) {
  return element("form", { class: "grid", ...attributes, onsubmit: (event) => event.preventDefault() }, ...fields);
}

// What a form says, by the names of its inputs.
export function answers(form) {
  return Object.fromEntries(new FormData(form));
}

// A modal dialog; it goes when it is closed, and with the screen.
export function dialog(title, ...children) {
  const made = element("dialog", { "aria-label": title, onclose: () => made.remove() }, element("h2", {}, title), ...children);
  document.body.append(made);
  made.showModal();
  addEventListener("hashchange", () => made.close(), { once: true });
  return made;
}

// A form in a dialog, which closes when `save` was not refused.
export function ask(title, save, ...children) {
  const form = element("form", { onsubmit: submits(async () => {
    await save();
    shown.close();
  }) }, ...children, actions(
    element("button", { class: "primary" }, "Save"), element("button", { type: "button", onclick: () => shown.close() }, "Cancel")));
  const shown = dialog(title, form);
}

// Ask before what cannot be taken back. Resolves to whether it was said.
export function confirmed(title, text, name) {
  return new Promise((done) => {
    const made = dialog(title, element("p", {}, text), element("form", { method: "dialog", class: "actions" },
      element("button", { value: "yes", class: "primary" }, name), element("button", { value: "" }, "Leave it")));
    made.addEventListener("close", () => done(made.returnValue === "yes"));
  });
}

// A secret that is told once, ready to be copied.
export function secretInput(value, name) {
  const shown = element("input", { readonly: true, value, class: "code", "aria-label": name, onfocus: () => shown.select() });
  return shown;
}

// A button that copies what an input or an element says. Where the page may not write to the clipboard (plain HTTP from
// elsewhere, or not allowed), it is selected to be copied by hand.
export function copying(place) {
  const button = element("button", { type: "button", onclick: async () => {
    if (place.select) place.select();
    else getSelection().selectAllChildren(place);
    const copied = await navigator.clipboard?.writeText(place.value ?? place.textContent).then(() => true, () => false);
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
  } }, "Copy");
  return button;
}

// The number of an input; what is empty is undefined, so that it is left out.
export function numeric(input) {
  return input.value === "" ? undefined : Number(input.value);
}
