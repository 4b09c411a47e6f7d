// A dataset to trade, made of the series of others. The API says what would come of it while it is being written.
import { call } from "../../core/api.js";
import { actions, card, element, field, lay, linkButton, notice, quiet } from "../../core/dom.js";
import { follow } from "../../core/following.js";
import { submits, tryingOut } from "../../core/forms.js";
import { counted, number } from "../../core/format.js";
import { address } from "../../core/router.js";
import { complain, input } from "../../core/schema.js";

export function composing(datasets, { properties }, signal) {
  const body = { datasets: [] };

  const chosen = element("select", {
    multiple: true, size: Math.min(8, datasets.length), "data-pointer": "/datasets",
    oninput: () => { body.datasets = [...chosen.selectedOptions].map(({ value }) => value); },
  }, datasets.map(({ dataset_id: id }) => element("option", { value: id }, id)));
  const renamed = element("input", { "data-pointer": "/rename", placeholder: "^BVSP=IBOV", oninput: () => { body.rename = pairs(renamed.value); } });
  const preview = element("div", { role: "status" });
  const said = element("div");
  const form = element("form", { onsubmit: submits(send), oninput: () => check.soon(), novalidate: true },
    quiet("Prices of every instrument whose series are among them, and all of the series beside these: what macro strategies trade."),
    input("/name", properties.name, body, { label: "Composed dataset" }),
    field("Made of", chosen, "Uploads, fetches, and what ships."),
    field("Renamed", renamed, "OLD=NEW with spaces between them, where a series or symbol has another name than its instrument."),
    preview, actions(element("button", { class: "primary" }, "Compose")), said);

  // What would come of it, without making it.
  const check = tryingOut(() => call("/datasets/compose", { method: "POST", body, query: { dry_run: true }, signal }), (answer, refusal) => {
    const loose = complain(form, refusal?.problem);
    lay(preview, refusal ? loose.map((text) => notice(text, "bad")) : outcome(answer.estimate));
  }, signal);

  async function send() {
    check.stop();
    const taken = await call("/datasets/compose", { method: "POST", body, signal });
    await follow(said, taken.job_id, signal, async (job) => job.status === "succeeded" && actions(
      linkButton(address(`data/${job.dataset_id}`), `Look at ${job.dataset_id}`),
      linkButton(address("new", { dataset: job.dataset_id }), "Run on it")));
  }

  return card("Compose from other datasets", form);
}

function outcome({ datasets, series, instruments, lacking }) {
  return [
    element("p", {}, `${number(series)} series of ${counted(datasets, "dataset")}. To trade: ${instruments.join(", ")}.`),
    element("ul", {}, lacking.map((text) => element("li", {}, text))),
  ];
}

// "BRL=X=USDBRL" is { "BRL=X": "USDBRL" }: it is the symbols of sources that have a = in them.
function pairs(text) {
  const said = text.split(/\s+/).filter(Boolean).map((pair) => [pair.slice(0, Math.max(pair.lastIndexOf("="), 0)), pair.slice(pair.lastIndexOf("=") + 1)]);
  return said.length ? Object.fromEntries(said) : undefined;
}
