// What asks for attention, the rules that find it, and where it is sent.
import { header } from "../core/dom.js";
import { tabbed } from "../core/tabbed.js";

const TABS = [
  { name: "list", title: "Alerts", load: () => import("./alerts/list.js") },
  { name: "rules", title: "Rules", load: () => import("./alerts/rules.js") },
  { name: "webhooks", title: "Webhooks", load: () => import("./alerts/webhooks.js") },
];

export async function open(place, context) {
  place.append(header("Alerts"));
  await tabbed(place, TABS, context);
}
