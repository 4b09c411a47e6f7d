// The parameters that stand for a strategy: what a run that says nothing else and the next signal use, and what stood before.
import { call, unlessRefused } from "../../core/api.js";
import { actions, card, element, grid, lay, notice, quiet, table } from "../../core/dom.js";
import { changed, params, when } from "../../core/format.js";
import { submits } from "../../core/forms.js";
import { input } from "../../core/schema.js";

export async function standing(found, there, signal) {
  const properties = Object.entries(found.parameters.properties);
  const body = element("div");

  function show({ version, overrides, history, ...told }) {
    const replaced = Object.keys(overrides).length > 0;
    let chosen = { ...overrides };
    const fields = grid();
    const build = () => lay(fields, properties.map(([name, schema]) => input(`/${name}`, schema, chosen, { label: name })));

    function clear() {
      chosen = {};
      build();
    }

    async function put() {
      const headers = version === null ? {} : { "If-Match": String(version) };
      const kept = await call(`${there}/params`, { method: "PUT", body: chosen, headers, signal });
      show(await call(`${there}/params`, { signal }));
      body.append(notice(kept.version === version ? "Nothing was changed: they stood already." : `Version ${kept.version} stands now.`));
    }

    build();
    lay(body,
      quiet(replaced ? ["In place of defaults: ", params(overrides), ". ", ...changed({ version, ...told })] : "The defaults stand."),
      properties.length ? element("form", { onsubmit: submits(put), novalidate: true }, fields, actions(element("button", { class: "primary" }, "Let these stand"),
        replaced && element("button", { type: "button", onclick: clear }, "All defaults"))) : "",
      history.length ? past(history) : "");
  }

  await unlessRefused(["params_unfit"], async () => show(await call(`${there}/params`, { signal })), ({ message }) => {
    show({ version: null, overrides: {}, history: [] }); // the strategy has changed since: others can take their place
    body.prepend(notice(message, "bad"));
  });
  return card("Parameters that stand", quiet("What a run that does not say otherwise and the next signal use, whoever asks. What is left empty has its default."), body);
}

function past(rows) {
  return element("div", {}, element("h3", {}, "History"), table([
    { title: "Version", number: true, show: ({ version }) => String(version) },
    { title: "In place of defaults", show: ({ overrides }) => (Object.keys(overrides).length ? params(overrides) : "nothing") },
    { title: "By", show: ({ changed_by: by }) => by }, { title: "When", show: ({ changed_at: at }) => when(at) },
  ], rows, { label: "history" }));
}
