// On which data: dataset, symbols, days, and what to compare with.
import { card, element, field, grid, lay, quiet, select } from "../../core/dom.js";
import { counted, quality } from "../../core/format.js";
import { address } from "../../core/router.js";
import { input, put } from "../../core/schema.js";

export function data(world) {
  const { body, datasets, changed } = world;
  const about = element("div");
  lay(about, below(world));
  return card("Data", field("Dataset", picker(datasets, body.dataset, (value) => {
    put(body, "/dataset", value || undefined);
    delete body.symbols;
    delete body.benchmark;
    lay(about, below(world));
    changed();
  })), about);
}

// What depends on the dataset.
function below({ body, strategies, datasets, schema }) {
  const chosen = strategies.find(({ strategy_id: id }) => id === body.strategy_id);
  const id = (body.dataset ?? chosen?.dataset ?? "").split("@")[0];
  const item = datasets.find(({ dataset_id: other }) => other === id);
  const symbols = element("select", {
    multiple: true, size: Math.min(8, Math.max(2, item?.symbols.length ?? 2)), "data-pointer": "/symbols", disabled: chosen?.legs,
    oninput: (event) => {
      const named = [...event.target.selectedOptions].map(({ value }) => value);
      put(body, "/symbols", named.length ? named : undefined);
    },
  }, (item?.symbols ?? []).map((name) => element("option", { value: name, selected: (body.symbols ?? []).includes(name) }, name)));
  return [
    item ? quiet(`${item.title} · ${item.source} · ${item.start} to ${item.end}, ${counted(item.bars, "bar")} `, quality(item.quality), " ",
      element("a", { href: address(`data/${item.dataset_id}`) }, "More")) : "",
    field("Symbols", symbols, chosen?.legs ? "The strategy trades its own legs." : "None chosen: the strategy's own, or all."),
    grid(
      input("/start_date", schema.properties.start_date, body, { label: "From" }), input("/end_date", schema.properties.end_date, body, { label: "To" }),
      field("Benchmark", select({
        "data-pointer": "/benchmark", oninput: (event) => put(body, "/benchmark", event.target.value || undefined),
      }, [["", "none"], ...(item?.symbols ?? [])], body.benchmark), "What the equity is compared with.")),
  ];
}

export function picker(datasets, chosen, onChoose, pointer = "/dataset") {
  const tradable = datasets.filter(({ kind }) => kind === "bars");
  const known = !chosen || tradable.some(({ dataset_id: id }) => id === chosen);
  return element("select", { "data-pointer": pointer, onchange: (event) => onChoose(event.target.value) },
    element("option", { value: "" }, "the strategy's own"), known ? "" : element("option", { selected: true }, chosen),
    tradable.map(({ dataset_id: id }) => element("option", { value: id, selected: id === chosen }, id)));
}
