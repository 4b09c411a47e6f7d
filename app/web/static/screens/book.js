// The paper book that follows the signals: where it stands, what it traded, how it is made up.
import { call, unlessRefused } from "../core/api.js";
import { actions, card, element, lay, notice, quiet, tabs } from "../core/dom.js";
import { confirmed, tried } from "../core/forms.js";
import { quality, when } from "../core/format.js";
import { inTurn, watch } from "../core/live.js";
import { pane } from "../core/pane.js";
import { remember } from "../core/router.js";

const TABS = [
  { name: "now", title: "Now", load: () => import("./book/now.js") },
  { name: "trades", title: "Trades", load: () => import("./book/trades.js") },
  { name: "config", title: "Configuration", load: () => import("./book/editor.js") },
];
// What a state of the breaker means.
const BREAKER = { closed: "The book follows all of its wishes.", open: "It has fallen far, and follows a part of its wishes.", recovery: "It is on its way back to all of its wishes." };

export async function open(place, { query, signal }) {
  const head = element("header");
  const standing = element("div", { class: "screen" });
  const bar = element("div");
  const body = element("div", { id: "tab", role: "tabpanel", class: "stage" });
  let tab = TABS.find(({ name }) => name === query.get("tab")) ?? TABS[0];
  let current = null;
  const turn = inTurn(signal);
  const fill = pane(body, signal, { steady: true });
  place.append(head, standing, bar, body);

  // What is being written is not taken away by a bar that comes: the editor is opened anew when it was saved.
  async function read(saved) {
    const before = current;
    const found = await standingNow();
    current = found.current;
    lay(head, heading());
    lay(standing, current ? halted(current) : notice(found.why));
    standing.hidden = !standing.children.length;
    bar.hidden = !current;
    const writing = body.hasChildNodes() && (current ? tab.name === "config" : true);
    if (writing && !saved && Boolean(before) === Boolean(current)) return;
    await openTab();
  }

  const follow = () => read(false);
  const again = () => turn(() => read(true));

  const standingNow = () => unlessRefused(["no_book"], async () => ({ current: await call("/portfolio/current", { signal }) }),
    ({ message }) => ({ current: null, why: message }));

  function openTab() {
    const { load } = current ? tab : TABS.find(({ name }) => name === "config");
    if (current) body.setAttribute("aria-labelledby", `tab-${tab.name}`);
    return fill(async (made, ends) => (await load()).open(made, { current, query, signal: ends, onSaved: again }));
  }

  function heading() {
    if (!current) return [element("h1", {}, "Paper book"), element("span", { class: "quiet" }, "not open yet")];
    return [
      element("h1", {}, "Paper book"), quality(current.quality), current.breaker && element("span", { class: current.breaker === "closed" ? "badge" : "mark", title: BREAKER[current.breaker] }, `breaker ${current.breaker}`),
      element("span", { class: "quiet" }, "as of ", when(current.as_of, { seconds: false }), `, version ${current.book_version}`),
      actions(element("button", { onclick: close }, "Close the book …")),
    ];
  }

  async function close() {
    const text = "Its trades, its curve and its positions are removed and cannot be brought back. How it is made up stays, and the next signals open a new book with it.";
    if (!await confirmed("Close the paper book?", text, "Close it")) return;
    await tried(standing, async () => {
      await call("/portfolio/book", { method: "DELETE" });
      await again();
    });
    standing.hidden = !standing.children.length;
  }

  bar.append(tabs(TABS.map(({ name, title }) => [name, title]), tab.name, (name) => {
    tab = TABS.find((one) => one.name === name);
    remember({ tab: name });
    openTab();
  }, "tab"));
  await turn(follow);
  watch("portfolio", () => turn(follow), signal);
}

function halted({ halted: why }) {
  return why ? [card("It stands still", element("p", {}, "Since ", when(why.at), ` its last step failed: ${why.message} (${why.code})`),
    quiet("It goes on when a signal, a dataset or its configuration is another one; the bars of the meantime are not lost."))] : [];
}
