// Every dataset at its newest version, and the time that each covers.
import { call } from "../../core/api.js";
import { card, element, table } from "../../core/dom.js";
import { date, number, quality } from "../../core/format.js";
import { address, go } from "../../core/router.js";
import { coverage } from "./coverage.js";

export async function open(place, { signal }) {
  const { datasets } = await call("/datasets", { signal });
  const spans = datasets.map((item) => ({ name: item.dataset_id, start: item.start, end: item.end }));
  place.append(
    card(null, table(COLUMNS, datasets, { onRow: (item) => go(`data/${item.dataset_id}`), label: "datasets" })),
    card("Coverage", coverage("When each dataset begins and ends", spans)));
}

const COLUMNS = [
  { title: "Dataset", show: (item) => element("a", { href: address(`data/${item.dataset_id}`) }, item.dataset_id), sort: (item) => item.dataset_id },
  { title: "What", show: (item) => [item.title, " ", quality(item.quality)], sort: (item) => item.title },
  { title: "Kind", show: (item) => `${item.frequency} ${item.kind}`, sort: (item) => item.kind },
  { title: "Symbols", number: true, show: (item) => number(item.symbols.length), sort: (item) => item.symbols.length },
  { title: "Series beside", number: true, show: (item) => number(item.series.length), sort: (item) => item.series.length },
  { title: "From", show: (item) => date(item.start), sort: (item) => item.start },
  { title: "To", show: (item) => date(item.end), sort: (item) => item.end },
  { title: "Times", number: true, show: (item) => number(item.bars, 0), sort: (item) => item.bars },
  { title: "Source", show: (item) => item.source, sort: (item) => item.source },
];
