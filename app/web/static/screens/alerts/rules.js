// The rules that raise alerts: built-in ones and one's own.
import { call } from "../../core/api.js";
import { actions, card, element, field, grid, lay, quiet, select, table, words } from "../../core/dom.js";
import { ask, confirmed, numeric, tried } from "../../core/forms.js";
import { duration, label, NONE, setting } from "../../core/format.js";
import { inTurn } from "../../core/live.js";
import { nameInput, severity, SEVERITIES, step } from "./parts.js";

const ABOUT = [["strategy_id", "Strategy"], ["symbol", "Symbol"], ["dataset_id", "Dataset"]];
const MINUTE = 60;

export async function open(place, { query, signal }) {
  const list = element("div");
  const turn = inTurn(signal);
  let kinds = [];
  place.append(card(null, quiet("A rule fires at its threshold and above it. Of a rule and what it is about one alert is unresolved at most."), list,
    actions(element("button", { onclick: () => edit(null) }, "Add a rule …"))));

  const reload = () => turn(read);

  async function read() {
    const found = await call("/alerts/rules", { signal });
    kinds = found.kinds;
    lay(list, table(columns, found.rules, { label: "rules", key: ({ rule_id }) => rule_id, current: ({ rule_id }) => rule_id === query.get("rule"), onRow: edit }));
  }

  const kindOf = ({ kind }) => kinds.find((one) => one.kind === kind);
  const columns = [
    { title: "On", show: (rule) => onOff(rule), sort: (rule) => rule.enabled },
    { title: "Rule", show: (rule) => [rule.rule_id, " ", note(rule)], sort: (rule) => rule.rule_id },
    { title: "Looks for", show: (rule) => words(kindOf(rule).about), sort: (rule) => rule.kind },
    { title: "Threshold", number: true, show: (rule) => setting(rule.threshold), sort: (rule) => rule.threshold },
    { title: "Unit", show: (rule) => kindOf(rule).unit ?? NONE },
    { title: "Severity", show: severity, sort: (rule) => SEVERITIES.indexOf(rule.severity) },
    { title: "Cooldown", show: (rule) => duration(rule.cooldown_seconds), sort: (rule) => rule.cooldown_seconds },
    { title: "Filter", show: (rule) => Object.values(rule.filter).filter(Boolean).join(", ") },
    { title: "Actions", show: (rule) => element("span", { class: "actions inline" }, steps(rule)) },
  ];

  function onOff(rule) {
    return element("input", {
      type: "checkbox", checked: rule.enabled, "aria-label": `${rule.rule_id} is on`,
      onchange: async ({ target }) => {
        const done = await tried(list, () => put(rule, { ...bodyOf(rule), enabled: target.checked }));
        if (!done) target.checked = rule.enabled;
      },
    });
  }

  function steps(rule) {
    const back = rule.built_in ? rule.changed_at && step("As built", rule.rule_id, () => takeBack(rule)) : step("Delete", rule.rule_id, () => remove(rule));
    return [step("Change", rule.rule_id, () => edit(rule)), back];
  }

  async function remove(rule) {
    if (await confirmed(`Delete ${rule.rule_id}?`, "Alerts that it raised stay until somebody resolves them.", "Delete it")) await takeBack(rule);
  }

  const takeBack = (rule) => tried(list, async () => {
    await call(`/alerts/rules/${rule.rule_id}`, { method: "DELETE" });
    await reload();
  });

  // Refused when somebody has changed the rule meanwhile: it is read anew then too.
  const put = (rule, body) => call(`/alerts/rules/${encodeURIComponent(rule.rule_id)}`, { method: "PUT", body, headers: { "If-Match": `"${rule.changed_at ?? ""}"` } })
    .finally(reload);

  function edit(rule) {
    const made = ruleForm(rule ?? { kind: kinds[0].kind, severity: "warning", cooldown_seconds: 3600, enabled: true, filter: {}, threshold: null }, kinds, !rule);
    ask(rule ? rule.rule_id : "A rule of your own", async () => {
      await put({ rule_id: made.name() ?? rule.rule_id, changed_at: rule?.changed_at }, made.body());
    }, ...made.shown);
  }

  await reload();
}

function note(rule) {
  const said = rule.built_in ? rule.changed_at && "changed" : "own";
  return said && element("span", { class: "badge" }, said);
}

// The body is the whole change: what is left out would be as built.
function bodyOf({ kind, built_in: builtIn, threshold, severity: loud, cooldown_seconds: cooldown, enabled, filter }) {
  return {
    ...(builtIn ? {} : { kind }), ...(threshold === null ? {} : { threshold }), severity: loud, cooldown_seconds: cooldown, enabled,
    filter: Object.fromEntries(Object.entries(filter).filter(([, value]) => value)),
  };
}

function ruleForm(rule, kinds, isNew) {
  const name = nameInput();
  const kind = select({ "data-pointer": "/kind", onchange: told }, kinds.map((one) => [one.kind, label(one.kind)]), rule.kind);
  const threshold = element("input", { "data-pointer": "/threshold", type: "number", step: "any", value: rule.threshold ?? "" });
  const loud = select({ "data-pointer": "/severity" }, SEVERITIES, rule.severity);
  const cooldown = element("input", { "data-pointer": "/cooldown_seconds", type: "number", step: "any", min: 0, value: rule.cooldown_seconds / MINUTE });
  const on = element("input", { "data-pointer": "/enabled", type: "checkbox", checked: rule.enabled });
  const only = Object.fromEntries(ABOUT.map(([key]) => [key, element("input", { "data-pointer": `/filter/${key}`, value: rule.filter[key] ?? "", placeholder: "any" })]));
  const about = quiet();
  const measured = element("span");

  function told() {
    const { about: text, unit } = kinds.find((one) => one.kind === kind.value);
    about.textContent = text;
    measured.textContent = unit ? `In ${unit}.` : "This kind has none.";
    threshold.disabled = !unit;
  }

  told();
  return {
    shown: [
      isNew && field("Name", name), isNew && field("Looks for", kind), about,
      grid(field("Threshold", threshold, measured), field("Severity", loud), field("Cooldown, minutes", cooldown)),
      grid(ABOUT.map(([key, title]) => field(`Only this ${title.toLowerCase()}`, only[key]))), field("On", on),
    ].filter(Boolean),
    name: () => (isNew ? name.value : undefined),
    body: () => bodyOf({
      kind: kind.value, built_in: !isNew && rule.built_in, threshold: threshold.disabled ? null : numeric(threshold) ?? null, severity: loud.value,
      cooldown_seconds: (numeric(cooldown) ?? 0) * MINUTE, enabled: on.checked, filter: Object.fromEntries(ABOUT.map(([key]) => [key, only[key].value])),
    }),
  };
}
