// Forms and dialogs. What is refused is said at the field that it is about: fields are named by their place in the body.
import { Refused } from "./api.js";
import { element, notice } from "./dom.js";

// What a form does when it is sent. A refusal is shown in the form, at its field where it has one.
export function submits(work) {
  return async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const button = event.submitter;
    forgive(form);
    if (button) button.disabled = true;
    try {
      await work(form);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refuse(form, error);
    } finally {
      if (button) button.disabled = false;
    }
  };
}

// The same for what is no form: a refusal is shown at the end of `place`.
export async function tried(place, work) {
  forgive(place);
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const said = notice(error.message, "bad");
    said.dataset.refusal = "";
    place.append(said);
    return null;
  }
}

// A field is about "/config" when the refusal is about "/config/fill"; the nearest one is taken.
function refuse(form, { message, problem }) {
  const pointer = problem.pointer ?? "";
  const about = [...form.elements].filter(({ name }) => name && (pointer === name || pointer.startsWith(`${name}/`)))
    .sort((a, b) => b.name.length - a.name.length)[0];
  const said = about ? element("span", { class: "hint bad", role: "alert" }, message) : notice(message, "bad");
  said.dataset.refusal = "";
  if (!about) return form.append(said);
  about.setAttribute("aria-invalid", "true");
  about.after(said);
  about.focus();
}

function forgive(place) {
  for (const said of place.querySelectorAll("[data-refusal]")) said.remove();
  for (const input of place.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

// A modal dialog; it goes when it is closed, and with the screen.
export function dialog(title, ...children) {
  const made = element("dialog", { "aria-label": title, onclose: () => made.remove() }, element("h2", {}, title), ...children);
  document.body.append(made);
  made.showModal();
  addEventListener("hashchange", () => made.close(), { once: true });
  return made;
}

// Ask before what cannot be taken back. Resolves to whether it was said.
export function confirmed(title, text, name) {
  return new Promise((done) => {
    const made = dialog(title, element("p", {}, text), element("form", { method: "dialog", class: "actions" },
      element("button", { value: "yes", class: "primary" }, name), element("button", { value: "" }, "Leave it")));
    made.addEventListener("close", () => done(made.returnValue === "yes"));
  });
}

// A number of a field; what is empty is undefined, so that it is left out.
export function numeric(input) {
  return input.value === "" ? undefined : Number(input.value);
}
