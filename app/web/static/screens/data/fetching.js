// Data from a source, fetched by a job that is followed here.
import { call } from "../../core/api.js";
import { card, element, empty, field, notice, select } from "../../core/dom.js";
import { follow } from "../../core/following.js";
import { submits } from "../../core/forms.js";
import { address, remember } from "../../core/router.js";
import { given, inputs } from "../../core/schema.js";

export function fetching(sources, query, signal) {
  const said = element("div");
  const about = element("div");
  const which = select({ name: "/source", onchange: show }, sources.map(({ source, title }) => [source, title]), query.get("source"));
  const items = element("input", { name: "/items", required: true });
  const form = element("form", { onsubmit: submits(send) },
    field("Source", which), about,
    field("Name", element("input", { name: "/name", required: true, maxlength: 64, placeholder: "us_rates" }), "Id of the dataset that it becomes; a new version where there is one."),
    element("div", { class: "grid" },
      field("First day", element("input", { name: "/start_date", type: "date" }), "Empty: as early as the source begins."),
      field("Last day", element("input", { name: "/end_date", type: "date" }), "Empty: yesterday, which is also the latest.")),
    element("div", { class: "actions" }, element("button", { class: "primary" }, "Fetch")), said);

  const chosen = () => sources.find(({ source }) => source === which.value);

  function show() {
    const source = chosen();
    remember({ source: source.source });
    items.placeholder = source.known.slice(0, 3).join(" ");
    about.replaceChildren(
      element("p", { class: "quiet" }, source.doc),
      element("p", { class: "quiet" }, `Terms: ${source.terms}`),
      source.installed ? "" : notice(`It needs the package '${source.package}', which is not installed where the API runs.`),
      field(source.items === "symbols" ? "Symbols" : "Series", items, `With spaces between them.${source.pattern ? ` Others than the known ones may be asked for, as the regular expression ${source.pattern} has them.` : ""}`),
      known(source), settings(source));
  }

  function known(source) {
    if (!source.known.length) return "";
    return element("details", {}, element("summary", {}, `${source.known.length} known ones`),
      element("div", { class: "actions" }, source.known.map((name) => element("button", { type: "button", onclick: () => add(name) }, name))));
  }

  function add(name) {
    const there = words(items.value);
    if (!there.includes(name)) items.value = [...there, name].join(" ");
  }

  function settings({ parameters }) {
    return Object.keys(parameters.properties).length ? element("fieldset", {}, element("legend", {}, "What it asks besides"), element("div", { class: "grid" }, inputs(parameters, { prefix: "/params" }))) : "";
  }

  async function send() {
    const source = chosen();
    const value = (name) => form.elements[`/${name}`].value || undefined;
    const body = {
      source: source.source, items: words(items.value), name: value("name"), start_date: value("start_date"), end_date: value("end_date"),
      params: given(form, source.parameters, "/params"),
    };
    const taken = await call("/datasets/fetch", { method: "POST", body, signal });
    await follow(said, taken.job_id, signal, async (job) => {
      if (job.status !== "succeeded") return null;
      return element("a", { class: "button", href: address(`data/${job.dataset_id}`) }, `Look at ${job.dataset_id}`);
    });
  }

  if (!sources.length) return card("Fetch from a source", empty("There are no sources."));
  show();
  return card("Fetch from a source", form);
}

function words(text) {
  return text.split(/[\s,]+/).filter(Boolean);
}
