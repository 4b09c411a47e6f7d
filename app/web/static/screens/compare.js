// Up to eight results side by side: their curves, their figures, how sure the differences are, and how they were asked.
import { call } from "../core/api.js";
import { card, element, empty, field, header, lay, notice, select } from "../core/dom.js";
import { filled } from "../core/forms.js";
import { day, quality, title } from "../core/format.js";
import { calmly, inTurn, subscribe } from "../core/live.js";
import { address, remember } from "../core/router.js";
import { curves } from "./compare/curves.js";
import { differences, figures, pairs } from "./compare/tables.js";

const MOST = 8;
const RECENT = 100;
const POINTS = 4000;
const KINDS = new Set(["backtest", "portfolio", "sweep", "walkforward", "montecarlo"]);

export async function open(place, { query, signal }) {
  let ids = [...new Set((query.get("jobs") ?? "").split(",").filter(Boolean))].slice(0, MOST);
  let recent = [];
  const turn = inTurn(signal);
  const known = new Map(); // id -> { job, result }, which never change
  const chosen = element("ul", { class: "chips" });
  const picker = element("form", { class: "actions", onsubmit: add });
  const said = element("div");
  const body = element("div", { class: "screen" });
  place.append(header("Compare"), card(null, chosen, picker, said), body);

  function add(event) {
    event.preventDefault();
    const id = new FormData(picker).get("job");
    return id && change([...ids, id]);
  }

  function change(next) {
    ids = next;
    remember({ jobs: ids.join(",") });
    return show();
  }

  const show = () => filled(body, () => turn(read));

  // One that cannot be compared is named with the reason; the others stand.
  async function read() {
    pick();
    if (!ids.length) {
      lay(chosen);
      lay(said);
      lay(body, empty("Nothing is chosen. Choose two or more results above, or tick them in the list of", "#/jobs", "jobs"));
      return;
    }
    const found = await call("/backtest/comparison", { query: { job_ids: ids.join(",") }, signal });
    await Promise.all(found.rows.map(({ job_id: id }) => known.has(id) || fetchOne(id)));
    render(found);
  }

  async function fetchOne(id) {
    const [job, result] = await Promise.all([call(`/jobs/${id}`, { signal }), call(`/jobs/${id}/result`, { query: { points: POINTS }, signal })]);
    known.set(id, { job, result });
  }

  function render(found) {
    const runs = found.rows.map((row, at) => ({ ...row, ...known.get(row.job_id), letter: "ABCDEFGH"[at] }));
    lay(chosen, runs.map(chip), found.missing.map(({ id }) => missed(id)));
    lay(said, found.missing.map(({ id, message }) => notice(`${id}: ${message}`, "bad")));
    const odd = runs.filter(({ result }) => result.provenance.quality !== "real");
    lay(body,
      odd.length ? notice(`${odd.map(({ letter, result }) => `${letter} is computed from ${result.provenance.quality} data`).join(", ")}: that says nothing about real markets.`) : "",
      ...(runs.length ? [curves(runs), figures(runs, found)] : []),
      ...(runs.length > 1 ? [pairs(runs, found.pairs), differences(runs)] : [empty("Add another one to compare with.")]));
  }

  function chip({ letter, job, result }, at) {
    const made = element("li", {}, element("strong", {}, letter), " ", element("a", { href: address(`job/${job.job_id}`) }, title(job)), " ",
      quality(result.provenance.quality), " ", away(job.job_id, `Take ${letter} away`));
    made.style.borderLeftColor = `var(--c${at + 1})`; // that of its curve
    return made;
  }

  function missed(id) {
    return element("li", {}, id.slice(0, 8), " ", away(id, `Take ${id} away`));
  }

  function away(id, name) {
    return element("button", { class: "link", "aria-label": name, onclick: () => change(ids.filter((other) => other !== id)) }, "×");
  }

  function pick() {
    const rest = recent.filter(({ job_id: id, kind }) => KINDS.has(kind) && !ids.includes(id));
    picker.hidden = ids.length >= MOST;
    lay(picker,
      field("Recent results", select({ name: "job" }, rest.map((job) => [job.job_id, `${title(job)} · ${day(job.created_at)} · ${job.job_id.slice(0, 6)}`]))),
      element("button", { disabled: !rest.length }, "Add"));
    if (!rest.length) picker.append(empty("There is no other result yet.", "#/new", "Start a run"));
  }

  async function readRecent() {
    recent = (await call("/jobs", { query: { status: "succeeded", limit: RECENT }, signal })).jobs;
  }

  const refresh = calmly(async () => {
    await readRecent();
    if (!picker.contains(document.activeElement)) pick();
  }, 200, signal);

  await readRecent();
  subscribe("jobs", { onEvent: ({ type }) => type === "job_succeeded" && refresh() }, signal);
  await show();
}
