// A place that one thing at a time fills: `fill(open)` calls `open(made, signal)` with a new element in it and a signal that
// ends when something else comes. What is refused on the way is said there; where nobody answered, it is opened again as
// soon as somebody does. With `steady` the old one stays until the new one is drawn, so that the page does not jump.
import { alive, onceAnswered, Refused, Unanswered } from "./api.js";
import { element, notice } from "./dom.js";
import { remembered } from "./keep.js";

export function pane(place, outer, { steady = false } = {}) {
  let inner = new AbortController();
  outer?.addEventListener("abort", () => inner.abort());

  return async function fill(open) {
    inner.abort();
    if (outer?.aborted) return; // it was left before this began
    inner = new AbortController();
    const { signal } = inner;
    const made = element("div", { class: steady ? "screen coming" : "screen", "aria-busy": "true" });
    const before = [...place.children];
    const back = remembered(place);
    if (steady) place.append(made);
    else place.replaceChildren(made);
    try {
      await open(made, signal);
    } catch (error) {
      const why = error instanceof Refused || await alive() ? error : new Unanswered();
      if (signal.aborted) return;
      made.append(notice(why instanceof Refused ? why.message : "This could not be shown. Loading the page anew may help.", "bad"));
      if (why instanceof Unanswered) onceAnswered(() => fill(open), () => !signal.aborted);
      if (!(why instanceof Refused)) throw why;
    } finally {
      made.removeAttribute("aria-busy");
    }
    if (signal.aborted) return;
    for (const old of before) old.remove();
    made.classList.remove("coming");
    back();
  };
}
