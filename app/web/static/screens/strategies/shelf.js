// Every strategy that a run may name, with filters, and what was left out and why.
import { call } from "../../core/api.js";
import { card, element, empty, field, lay, select, table, words } from "../../core/dom.js";
import { answers, filters } from "../../core/forms.js";
import { verdict, VERDICTS } from "../../core/format.js";
import { address, go, remember } from "../../core/router.js";

export async function open(place, { query, signal }) {
  const { strategies, broken } = await call("/strategies", { signal });
  const families = [...new Set(strategies.map(({ family }) => family))].sort();
  const list = element("div");
  const form = filters({ oninput: narrow },
    field("Find", element("input", { type: "search", name: "find", placeholder: "any", value: query.get("find") ?? "" })),
    field("Family", select({ name: "family" }, [["", "all"], ...families], query.get("family"))),
    field("Look ahead", select({ name: "verdict" }, [["", "all"], ...Object.entries(VERDICTS)], query.get("verdict"))));

  function narrow() {
    const asked = answers(form);
    remember(asked);
    const sought = asked.find.toLowerCase().split(/\s+/);
    const rows = strategies.filter((item) => (!asked.family || item.family === asked.family) && (!asked.verdict || item.verdict === asked.verdict)
      && sought.every((word) => `${item.strategy_id} ${item.summary} ${item.source}`.toLowerCase().includes(word)));
    lay(list, rows.length ? table(COLUMNS, rows, { onRow: (item) => go(`strategies/${item.strategy_id}`), label: "strategies", caption: `${rows.length} of ${strategies.length}` })
      : empty("No strategy is like that.", "#/strategies?tab=write", "Write one"));
  }

  place.append(card(null, form, list), broken.length ? left(broken) : "");
  narrow();
}

const COLUMNS = [
  { title: "Strategy", show: (item) => element("a", { href: address(`strategies/${item.strategy_id}`) }, item.strategy_id), sort: (item) => item.strategy_id.toLowerCase() },
  { title: "Family", show: (item) => item.family, sort: (item) => item.family },
  { title: "What it does", show: (item) => words(item.summary), sort: (item) => item.summary },
  { title: "Source", show: (item) => element("span", { class: "words quiet" }, item.source), sort: (item) => item.source },
  { title: "Runs on", show: (item) => item.dataset ?? "what a run names", sort: (item) => item.dataset },
  { title: "Look ahead", show: (item) => verdict(item.verdict), sort: (item) => item.verdict },
];

function left(broken) {
  return card("Left out", table([
    { title: "File", show: ({ file }) => file }, { title: "Why", show: ({ error }) => error },
  ], broken, { caption: "Files of your own strategies that cannot be used.", label: "left out" }));
}
