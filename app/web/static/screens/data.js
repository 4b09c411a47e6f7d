// The data: what there is, one dataset, more of it, and the series and curves that strategies read beside prices.
import { actions, header, linkButton } from "../core/dom.js";
import { tabbed } from "../core/tabbed.js";

const TABS = [
  { name: "datasets", title: "Datasets", load: () => import("./data/datasets.js") },
  { name: "add", title: "Add", load: () => import("./data/add.js") },
  { name: "series", title: "Series", load: () => import("./data/series.js") },
  { name: "curves", title: "Yield curves", load: () => import("./data/curves.js") },
];

export async function open(place, context) {
  if (context.rest[0]) return (await import("./data/dataset.js")).open(place, context);
  place.append(header("Data",
    actions(linkButton("#/data?tab=add", "Add data"))));
  await tabbed(place, TABS, context);
}
