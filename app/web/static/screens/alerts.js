// What asks for attention, the rules that find it, and where it is sent.
import { Refused } from "../core/api.js";
import { element, notice, tabs } from "../core/dom.js";
import { remember } from "../core/router.js";

const TABS = [
  { name: "list", title: "Alerts", load: () => import("./alerts/list.js") },
  { name: "rules", title: "Rules", load: () => import("./alerts/rules.js") },
  { name: "webhooks", title: "Webhooks", load: () => import("./alerts/webhooks.js") },
];

export async function open(place, { query, signal }) {
  const body = element("div", { id: "tab", role: "tabpanel", class: "screen" });
  let inner = new AbortController();
  signal.addEventListener("abort", () => inner.abort());

  async function openTab({ name, load }) {
    inner.abort();
    inner = new AbortController();
    const ends = inner.signal;
    const made = element("div", { class: "screen" });
    body.setAttribute("aria-labelledby", `tab-${name}`);
    body.replaceChildren(made);
    try {
      await (await load()).open(made, { query, signal: ends });
    } catch (error) {
      if (ends.aborted) return;
      if (!(error instanceof Refused)) throw error;
      made.append(notice(error.message, "bad"));
    }
  }

  const chosen = TABS.find(({ name }) => name === query.get("tab")) ?? TABS[0];
  place.append(element("header", {}, element("h1", {}, "Alerts")), tabs(TABS.map(({ name, title }) => [name, title]), chosen.name, (name) => {
    remember({ tab: name });
    openTab(TABS.find((tab) => tab.name === name));
  }, "tab"), body);
  await openTab(chosen);
}
