// Tabs over what the chosen one shows: a module whose `open(place, { …context, query, signal })` fills it. The address
// says which one.
import { element, tabs } from "./dom.js";
import { pane } from "./pane.js";
import { here, remember } from "./router.js";

export async function tabbed(place, items, { signal, ...context }) {
  const body = element("div", { id: "tab", role: "tabpanel", class: "screen" });
  const fill = pane(body, signal);

  function show(name) {
    const { load } = items.find((item) => item.name === name);
    body.setAttribute("aria-labelledby", `tab-${name}`);
    return fill(async (made, ends) => (await load()).open(made, { ...context, query: here().query, signal: ends }));
  }

  const asked = here().query.get("tab");
  const { name: first } = items.find(({ name }) => name === asked) ?? items[0];
  place.append(tabs(items.map(({ name, title }) => [name, title]), first, (name) => {
    remember({ tab: name });
    show(name);
  }, "tab"), body);
  await show(first);
}
