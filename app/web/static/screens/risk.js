// What the paper book may lose: on usual days, in scenarios, and how much of its limits is used.
import { call, unlessRefused } from "../core/api.js";
import { card, element, empty, field, lay, notice, select, short } from "../core/dom.js";
import { filled } from "../core/forms.js";
import { caution, counted, day, quality, when } from "../core/format.js";
import { inTurn, watch } from "../core/live.js";
import { remember } from "../core/router.js";
import { schemas } from "../core/schema.js";
import { limitsEditor, limitsUsed } from "./risk/limits.js";
import { losses } from "./risk/losses.js";
import { stress } from "./risk/stress.js";

const HORIZONS = [["1", "one session"], ["5", "5 sessions"], ["10", "10 sessions"], ["21", "21 sessions"]];

export async function open(place, { query, signal }) {
  const head = element("header");
  const measured = element("div", { class: "screen" });
  const used = element("div");
  const editor = element("div");
  const horizon = select({ onchange: () => remember({ horizon: horizon.value }) || filled(measured, reload) }, HORIZONS, query.get("horizon") ?? "1");
  const turn = inTurn(signal);
  place.append(head, measured, used, editor);

  const reload = () => turn(read);

  async function read() {
    const [told, found] = await Promise.all([measures(), call("/risk/limits", { signal })]);
    lay(head, heading(told));
    lay(used, limitsUsed(found));
    if (told.why) return lay(measured, card(null, empty(told.why, "#/book", "Go to the book")));
    const left = told.losses.unmeasured.length;
    lay(measured,
      caution(told.losses.quality, `Some of it follows ${told.losses.quality} data`),
      left > 0 && notice(`${counted(left, "position")} ${left === 1 ? "is" : "are"} in no figure of usual days: ${told.losses.unmeasured.map(({ symbol, reason }) => `${symbol} (${reason})`).join(", ")}.`),
      losses(told.losses, short(field("Horizon", horizon))), stress(told.stress));
  }

  // Nothing is measured before the book is open; the limits can be set all the same.
  const measures = () => unlessRefused(["no_book", "not_measured"], async () => {
    const [losses, stress] = await Promise.all([call("/risk/var", { query: { horizon: horizon.value }, signal }), call("/risk/stress", { signal })]);
    return { losses, stress };
  }, ({ message }) => ({ why: message }));

  await reload();
  const [stands, described] = await Promise.all([call("/risk/limits", { signal }), schemas()]);
  editor.append(limitsEditor(stands, described, reload));
  watch("portfolio", reload, signal);
}

function heading({ losses }) {
  if (!losses) return [element("h1", {}, "Risk"), element("span", { class: "quiet" }, "of the paper book")];
  const about = `${counted(losses.positions, "position")}, ${counted(losses.observations, "return")} of ${day(losses.start)} to ${day(losses.end)}`;
  return [element("h1", {}, "Risk"), quality(losses.quality), element("span", { class: "quiet" }, "of the paper book as of ", when(losses.as_of, { seconds: false }), `: ${about}`)];
}
