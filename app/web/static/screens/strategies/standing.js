// The parameters that stand for a strategy: what a run that says nothing else and the next signal use, and what stood before.
import { call, Refused } from "../../core/api.js";
import { card, element, notice, table } from "../../core/dom.js";
import { params, when } from "../../core/format.js";
import { submits } from "../../core/forms.js";
import { given, inputs } from "../../core/schema.js";

export async function standing(found, there, signal) {
  const schema = found.parameters;
  const body = element("div");

  function show(told) {
    const fields = Object.keys(schema.properties).length ? inputs(schema, { values: told.overrides }) : [];
    const form = element("form", { onsubmit: submits(async () => {
      const kept = await call(`${there}/params`, { method: "PUT", body: given(form, schema), headers: told.version === null ? {} : { "If-Match": String(told.version) }, signal });
      show(await call(`${there}/params`, { signal }));
      body.append(notice(kept.version === told.version ? "Nothing was changed: they stood already." : `Version ${kept.version} stands now.`));
    }) }, element("div", { class: "grid" }, fields), element("div", { class: "actions" }, element("button", { class: "primary" }, "Let these stand"),
      Object.keys(told.overrides).length > 0 && element("button", { type: "button", onclick: clear }, "All defaults")));

    function clear() {
      for (const input of form.querySelectorAll("input, select")) input.value = "";
    }

    body.replaceChildren(...[
      element("p", { class: "quiet" }, Object.keys(told.overrides).length ? ["In place of defaults: ", params(told.overrides), `. Version ${told.version}, by ${told.changed_by}, `, when(told.changed_at), "."] : "The defaults stand."),
      fields.length > 0 && form,
      told.history.length > 0 && history(told.history),
    ].filter(Boolean));
  }

  try {
    show(await call(`${there}/params`, { signal }));
  } catch (error) {
    if (!(error instanceof Refused) || error.problem.code !== "params_unfit") throw error;
    show({ version: null, overrides: {}, history: [] }); // the strategy has changed since: others can take their place
    body.prepend(notice(error.message, "bad"));
  }
  return card("Parameters that stand", element("p", { class: "quiet" }, "What a run that does not say otherwise and the next signal use, whoever asks. What is left empty has its default."), body);
}

function history(rows) {
  return element("div", {}, element("h3", {}, "History"), table([
    { title: "Version", number: true, show: ({ version }) => String(version) },
    { title: "In place of defaults", show: ({ overrides }) => (Object.keys(overrides).length ? params(overrides) : "nothing") },
    { title: "By", show: ({ changed_by: by }) => by }, { title: "When", show: ({ changed_at: at }) => when(at) },
  ], rows, { label: "history" }));
}
