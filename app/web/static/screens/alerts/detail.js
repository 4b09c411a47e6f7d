// One alert: what it is about, what was found, where it was sent.
import { actions, card, element, facts, folded, quiet, table, words } from "../../core/dom.js";
import { label, number, setting, when } from "../../core/format.js";
import { address } from "../../core/router.js";
import { delivered, moment, severity, standing } from "./parts.js";

const BOOK = { var_breach: ["#/risk", "Risk"], limit_breach: ["#/risk", "Risk"], drawdown: ["#/book", "The book"] };

// `steps` are what can be done with it.
export function detail(alert, steps) {
  const shown = Object.entries(alert.data).filter(([, value]) => value !== null && typeof value !== "object");
  return card(null, element("h2", {}, severity(alert), " ", alert.message),
    facts([
      ["State", standing(alert)], ["Kind", label(alert.kind)], ["Rule", element("a", { href: address("alerts", { tab: "rules", rule: alert.rule_id }) }, alert.rule_id)],
      ["About", alert.entity], ["Value", setting(alert.value)], ["Threshold", setting(alert.threshold)], ["Raised", when(alert.raised_at)],
      ["Acknowledged", alert.acknowledged_at && element("span", {}, when(alert.acknowledged_at), ` by ${alert.acknowledged_by}`)], ["Note", alert.note && words(alert.note)],
      ["Resolved", alert.resolved_at && when(alert.resolved_at)],
    ]),
    actions(steps(alert), ways(alert).map(([href, name]) => element("a", { class: "button", href }, name))),
    shown.length > 0 && folded("What was found", facts(shown.map(([name, value]) => [label(name), setting(value)]))),
    element("h3", {}, "Sent to"), alert.deliveries.length ? table([
      { title: "Webhook", show: (row) => element("a", { href: address("alerts", { tab: "webhooks", webhook: row.webhook_id }) }, row.webhook_id) },
      { title: "State", show: delivered }, { title: "Attempts", number: true, show: (row) => number(row.attempt) },
      { title: "When", show: moment }, { title: "Error", show: (row) => words(row.error ?? "") },
    ], alert.deliveries, { label: "deliveries" }) : quiet("No webhook heard it."));
}

function ways({ kind, job_id: job, strategy_id: strategy, dataset_id: dataset }) {
  return [
    job && [address(`job/${job}`), "Its job"], strategy && [address("signals", { strategy }), "What it says now"],
    dataset && [address(`data/${dataset}`), "Its data"], BOOK[kind],
  ].filter(Boolean);
}
