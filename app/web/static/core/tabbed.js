// A screen of tabs. Each is a module whose `open(place, { query, signal, …more })` fills it; the address says which one.
import { Refused } from "./api.js";
import { element, notice, tabs } from "./dom.js";
import { here, remember } from "./router.js";

export async function tabbed(place, items, { signal, ...more }) {
  const body = element("div", { id: "tab", role: "tabpanel", class: "screen" });
  let inner = new AbortController();
  signal.addEventListener("abort", () => inner.abort());

  async function show(name) {
    inner.abort();
    inner = new AbortController();
    const made = element("div", { class: "screen" });
    body.setAttribute("aria-labelledby", `tab-${name}`);
    body.replaceChildren(made);
    const item = items.find((other) => other.name === name);
    const { signal: ends } = inner;
    try {
      await (await item.load()).open(made, { ...more, query: here().query, signal: ends });
    } catch (error) {
      if (ends.aborted) return;
      if (!(error instanceof Refused)) throw error;
      made.append(notice(error.message, "bad"));
    }
  }

  const asked = here().query.get("tab");
  const chosen = items.find(({ name }) => name === asked) ?? items[0];
  place.append(tabs(items.map(({ name, title }) => [name, title]), chosen.name, (name) => {
    remember({ tab: name });
    show(name);
  }, "tab"), body);
  await show(chosen.name);
}
