// A figure by instrument beside the same by strategy, the largest on top.
import { element, quiet, sideBySide } from "../../core/dom.js";
import { bars } from "../../core/plots.js";

export function sides({ instruments, strategies }, figure, options) {
  const side = (title, rows, name) => {
    const pairs = rows.map((row) => [row[name], row[figure]]).filter(([, value]) => value !== 0).sort((a, b) => b[1] - a[1]);
    return element("div", {}, quiet(title), bars(title, pairs, options));
  };
  return sideBySide(side("By instrument", instruments, "symbol"), side("By strategy", strategies, "strategy_id"));
}
