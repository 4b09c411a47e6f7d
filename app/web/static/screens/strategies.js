// The strategies: the shelf, one strategy, and writing one without code.
import { header } from "../core/dom.js";
import { tabbed } from "../core/tabbed.js";

const TABS = [
  { name: "shelf", title: "Shelf", load: () => import("./strategies/shelf.js") },
  { name: "write", title: "Write one", load: () => import("./strategies/editor.js") },
];

export async function open(place, context) {
  if (context.rest[0]) return (await import("./strategies/strategy.js")).open(place, context);
  place.append(header("Strategies"));
  await tabbed(place, TABS, context);
}
