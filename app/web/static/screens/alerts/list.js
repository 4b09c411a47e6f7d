// The alerts, newest first: chosen by what they are, acknowledged and resolved, always as they stand now.
import { call } from "../../core/api.js";
import { actions, card, element, empty, field, lay, select, table, words } from "../../core/dom.js";
import { answers, ask, filled, filters, tried } from "../../core/forms.js";
import { label, setting, when } from "../../core/format.js";
import { inTurn, watch } from "../../core/live.js";
import { paged } from "../../core/paged.js";
import { remember } from "../../core/router.js";
import { detail } from "./detail.js";
import { severity, SEVERITIES, standing } from "./parts.js";

const STATES = ["open", "acknowledged", "resolved"];
const PAGE = 50;

export async function open(place, { query, signal }) {
  const { kinds, rules } = await call("/alerts/rules", { signal });
  let chosen = query.get("alert");

  const list = element("div");
  const about = element("div");
  const pages = paged("Older alerts", read, render);
  const turn = inTurn(signal);
  const form = filters({ onchange: filter },
    field("State", select({ name: "status" }, [["any", "all"], ...STATES], query.get("status") ?? "open")),
    field("Severity", select({ name: "severity" }, [["", "all"], ...SEVERITIES], query.get("severity"))),
    field("Kind", select({ name: "kind" }, [["", "all"], ...kinds.map(({ kind }) => [kind, label(kind)])], query.get("kind"))),
    field("Strategy", element("input", { name: "strategy_id", value: query.get("strategy_id") ?? "", placeholder: "any" })),
    field("Rule", select({ name: "rule_id" }, [["", "all"], ...rules.map(({ rule_id }) => rule_id)], query.get("rule_id"))));
  place.append(card(null, form, list, actions(pages.button)), about);

  const asked = () => answers(form);

  function filter() {
    remember(asked());
    return reload();
  }

  async function read(cursor) {
    const { status, ...others } = asked();
    const { alerts, next } = await call("/alerts", { query: { ...others, status: status === "any" ? "" : status, limit: PAGE, cursor }, signal });
    return { rows: alerts, next };
  }

  const reload = () => filled(list, pages.reload);

  function render(alerts) {
    const { status, ...others } = asked();
    const narrow = Object.values(others).some(Boolean);
    lay(list, alerts.length ? table(columns, alerts, { onRow: choose, key: ({ alert_id }) => alert_id, current: ({ alert_id }) => alert_id === chosen, label: "alerts" })
      : empty(narrow ? "No alert is like that." : status === "any" ? "Nothing has asked for attention yet." : `No alert is ${status}.`, "#/alerts?tab=rules", "See what is looked for"));
  }

  const columns = [
    { title: "Severity", show: severity, sort: (row) => SEVERITIES.indexOf(row.severity) },
    { title: "Message", show: (row) => words(row.message) },
    { title: "Kind", show: (row) => label(row.kind), sort: (row) => row.kind },
    { title: "Value", number: true, show: (row) => setting(row.value), sort: (row) => row.value },
    { title: "Threshold", number: true, show: (row) => setting(row.threshold), sort: (row) => row.threshold },
    { title: "State", show: standing, sort: (row) => STATES.indexOf(row.status) },
    { title: "Raised", show: (row) => when(row.raised_at), sort: (row) => row.raised_at },
    { title: "Actions", show: (row) => steps(row) },
  ];

  function steps(row) {
    const button = (name, step) => element("button", {
      "data-alert": row.alert_id, "aria-label": `${name}: ${row.message}`, onclick: () => act(row, step),
    }, name);
    return element("span", { class: "actions inline" }, row.status === "open" && button("Acknowledge", "ack"), row.status !== "resolved" && button("Resolve", "resolve"));
  }

  // Where there is room for it: what somebody knows or does about an alert.
  function manySteps(row) {
    const note = element("input", { "data-pointer": "/note", maxlength: 500 });
    return [row.status === "open" && element("button", {
      onclick: () => ask(`Acknowledge: ${row.message}`, () => done(row, "ack", { note: note.value || null }), field("Note", note, "What is known or done about it; may be empty.")),
    }, "Acknowledge with a note …"), steps(row)];
  }

  const act = (row, step) => tried(list, () => done(row, step));

  async function done({ alert_id: id }, step, body) {
    await call(`/alerts/${id}/${step}`, { method: "POST", body });
    await reload();
    (list.querySelector(`[data-alert="${id}"]`) ?? list.firstElementChild)?.focus();
    if (chosen === id) await look();
  }

  async function choose({ alert_id: id }) {
    chosen = id;
    remember({ alert: id });
    await look();
    about.scrollIntoView({ block: "nearest" });
  }

  const look = () => filled(about, () => turn(readChosen));

  async function readChosen() {
    if (chosen) lay(about, detail(await call(`/alerts/${encodeURIComponent(chosen)}`, { signal }), manySteps));
  }

  const refresh = () => Promise.all([reload(), look()]);
  await refresh();
  watch("alerts", refresh, signal);
}
