// Data from a source, fetched by a job that is followed here.
import { call } from "../../core/api.js";
import { actions, card, element, field, folded, grid, group, lay, linkButton, notice, quiet, select } from "../../core/dom.js";
import { follow } from "../../core/following.js";
import { submits } from "../../core/forms.js";
import { address, remember } from "../../core/router.js";
import { input } from "../../core/schema.js";

export function fetching(sources, schema, query, signal) {
  const body = {};
  const said = element("div");
  const about = element("div");
  const which = select({ "data-pointer": "/source", onchange: show }, sources.map(({ source, title }) => [source, title]), query.get("source"));
  const items = element("input", { "data-pointer": "/items", oninput: () => { body.items = words(items.value); } });
  const asks = (name, label) => input(`/${name}`, schema.properties[name], body, { label });
  const form = element("form", { onsubmit: submits(send), novalidate: true },
    field("Source", which), about, asks("name", "Becomes the dataset"),
    grid(asks("start_date", "First day"), asks("end_date", "Last day")),
    actions(element("button", { class: "primary" }, "Fetch")), said);

  function show() {
    const source = sources.find((item) => item.source === which.value);
    remember({ source: source.source });
    body.source = source.source;
    delete body.params; // those of another source
    items.placeholder = source.known.slice(0, 3).join(" ");
    lay(about,
      quiet(source.doc),
      quiet(`Terms: ${source.terms}`),
      source.installed ? "" : notice(`It needs the package '${source.package}', which is not installed where the API runs.`),
      field(source.items === "symbols" ? "Symbols" : "Series", items, `With spaces between them.${source.pattern ? ` Others than the known ones may be asked for, as the regular expression ${source.pattern} has them.` : ""}`),
      known(source), settings(source));
  }

  function known(source) {
    if (!source.known.length) return "";
    return folded(`${source.known.length} known ones`,
      actions(source.known.map((name) => element("button", { type: "button", onclick: () => add(name) }, name))));
  }

  function add(name) {
    body.items = [...new Set([...words(items.value), name])];
    items.value = body.items.join(" ");
  }

  function settings({ parameters: { properties } }) {
    const fields = Object.entries(properties).map(([name, one]) => input(`/params/${name}`, one, body, { label: name }));
    return fields.length ? group("What it asks besides", grid(fields)) : "";
  }

  async function send() {
    const taken = await call("/datasets/fetch", { method: "POST", body, signal });
    await follow(said, taken.job_id, signal, async (job) => job.status === "succeeded"
      && linkButton(address(`data/${job.dataset_id}`), `Look at ${job.dataset_id}`));
  }

  show();
  return card("Fetch from a source", form);
}

function words(text) {
  return text.split(/[\s,]+/).filter(Boolean);
}
