// What the best of many trials is worth: the sentence of the result, and each figure with what it says.
import { card, element, facts, quiet } from "../../core/dom.js";
import { counted, NONE, number, percent } from "../../core/format.js";

const FIGURES = [
  ["PSR", ({ psr }) => percent(psr, 1), "How probable it is that its true Sharpe ratio is above 0, as if it had been the only trial."],
  ["Expected maximum Sharpe", ({ expected_maximum_sharpe: value }) => number(value), "The Sharpe ratio that the best of as many worthless trials is expected to show: the bar to clear."],
  ["Deflated Sharpe ratio", ({ deflated_sharpe: value }) => percent(value, 1), "How probable it is that its true Sharpe ratio is above that bar. 95 % is convincing, below 75 % it is hardly a sign."],
  ["Sharpe ratio, 95 % interval", ({ sharpe_interval: value }) => interval(value), "How little the years say, as if it had been the only trial."],
  ["PBO", ({ pbo }) => percent(pbo, 1), "How often the best of one half of the time was in the worse half of all trials on the other. 50 % is drawing lots, below 20 % choosing worked."],
  ["SPA p value", ({ spa_p_value: value }) => number(value, 3), "How probable a best as good as this is if no trial earned anything. Small is good."],
  ["Minimum track record", ({ min_track_record_length: value }, bars) => bars && value !== null ? `${number(value)} bars of ${number(bars)} there are` : number(value), "The bars after which PSR reaches 95 % if the returns go on like this."],
];
const DEDUCTED = new Set(["Expected maximum Sharpe", "Deflated Sharpe ratio"]);

export function statistics(title, found, bars) {
  const alone = found.trials_made + found.trials_before === 1; // nothing was picked, so nothing is deducted
  const known = FIGURES.filter(([name, show]) => show(found, bars) !== NONE && !(alone && DEDUCTED.has(name)));
  const sampled = found.sampled_trials && found.sampled_trials < found.trials_made;
  return card(title,
    element("p", {}, found.sentence),
    facts(known.map(([name, show, words]) => [name, [element("strong", {}, show(found, bars)), element("span", { class: "hint" }, words)]]), "lines"),
    !alone && quiet(
      `${counted(found.trials_made, "trial")} here and ${number(found.trials_before)} earlier of this strategy on these data count.`,
      sampled ? ` PBO and the p value are of ${number(found.sampled_trials)} of them, drawn at random.` : ""));
}

function interval(pair) {
  return pair ? `${number(pair[0])} to ${number(pair[1])}` : NONE;
}
