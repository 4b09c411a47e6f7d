// How a signal is told, and the button that has one computed.
import { call } from "../../core/api.js";
import { element } from "../../core/dom.js";
import { tried } from "../../core/forms.js";

const MARKS = { LONG: "▲ long", SHORT: "▼ short", NEUTRAL: "– neutral" };
const TONES = { LONG: "first", SHORT: "second", NEUTRAL: "quiet" };
export const CHANGES = { flip: "⇄ flip", surge: "↯ surge" };

export function conviction({ conviction: value }) {
  return value === 0 ? "0" : `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}`;
}

export function direction({ direction: name }) {
  return element("span", { class: `nowrap ${TONES[name]}` }, MARKS[name]);
}

export function change({ change: name }) {
  return name && element("span", { class: "badge" }, CHANGES[name]);
}

// The job's link takes the place of what is said beside the button.
export function computing(id) {
  const place = element("span", { class: "actions inline" });
  const button = element("button", {
    "aria-label": `Compute the signals of ${id} now`, onclick: () => tried(place, async () => {
      const { job_id } = await call(`/strategies/${id}/signal`, { method: "POST" });
      link.replaceChildren(element("a", { href: `#/job/${job_id}` }, "its job"));
    }),
  }, "Compute now");
  const link = element("span");
  place.append(button, link);
  return place;
}
