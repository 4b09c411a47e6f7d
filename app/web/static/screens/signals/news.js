// What is new: events as they come, and the changes of the days that the map shows.
import { element, quiet } from "../../core/dom.js";
import { quality, when } from "../../core/format.js";
import { CHANGES, conviction, direction } from "./parts.js";

const MOST_TURNS = 50;
const TOLD = { signal_update: "said", signal_flip: "turned", conviction_surge: "moved far", signal_divergence: "disagree" };

// The newest first.
export function turned(days, strategies, onChoose) {
  const found = strategies.flatMap((row) => row.change.map((name, at) => name && { name, row, at })).filter(Boolean)
    .sort((a, b) => b.at - a.at);
  if (!found.length) return quiet("None, of the loudest symbols.");
  return element("ol", { class: "feed", tabindex: 0, "aria-label": "flips and surges" }, found.slice(0, MOST_TURNS).map(({ name, row, at }) => element("li", {},
    element("span", { class: "quiet" }, days[at]), " ", CHANGES[name], " ",
    chooser(row.strategy_id, onChoose), ` on ${row.symbol[at]} to ${conviction({ conviction: row.conviction[at] })} `, quality(row.quality))),
  found.length > MOST_TURNS ? element("li", { class: "quiet" }, `and ${found.length - MOST_TURNS} more`) : null);
}

export function told({ type, at, data }, onChoose) {
  const who = type === "signal_divergence"
    ? [`${[...data.long, ...data.short].map(({ strategy_id }) => strategy_id).join(", ")} ${TOLD[type]} on ${data.symbol}: long ${sides(data.long)}, short ${sides(data.short)}.`]
    : [chooser(data.strategy_id, onChoose), ` ${TOLD[type]} on ${data.symbol}: `, direction(data), ` ${conviction(data)}. ${data.reason ?? ""}`];
  return element("li", {}, element("span", { class: "quiet" }, when(at, { date: false })), " ", ...who, " ", quality(data.quality));
}

function sides(said) {
  return said.map(conviction).join(", ");
}

function chooser(id, onChoose) {
  return element("button", { class: "link", onclick: () => onChoose(id) }, id);
}
