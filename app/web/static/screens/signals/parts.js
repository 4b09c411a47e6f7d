// How a signal is told, and the button that has one computed.
import { call } from "../../core/api.js";
import { element, lay } from "../../core/dom.js";
import { action } from "../../core/forms.js";
import { address } from "../../core/router.js";

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

const started = new Map(); // strategy -> the job that was asked for here

// The button, and beside it the link to what it started; wherever it is shown by then, as the screen may be drawn anew
// before the job has an id.
export function computing(id) {
  const place = element("span", { class: "actions inline" });
  const link = element("span", { "data-job-of": id });
  const tell = (one) => started.has(id) && lay(one, element("a", { href: address(`job/${started.get(id)}`) }, "its job"));
  const button = action("Compute now", place, async () => {
    const { job_id } = await call(`/strategies/${id}/signal`, { method: "POST" });
    started.set(id, job_id);
    document.querySelectorAll(`[data-job-of="${CSS.escape(id)}"]`).forEach(tell);
  }, { "aria-label": `Compute the signals of ${id} now` });
  tell(link);
  place.append(button, link);
  return place;
}
