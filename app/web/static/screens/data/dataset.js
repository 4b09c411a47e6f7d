// One dataset at one version: where it comes from, its prices, what it covers and what is wrong with it.
import { call } from "../../core/api.js";
import { actions, card, element, facts, header, lay, linkButton, quiet, sideBySide, table, tall, words } from "../../core/dom.js";
import { caution, date, day, later, number, quality, when } from "../../core/format.js";
import { address, remember } from "../../core/router.js";
import { coverage } from "./coverage.js";
import { prices } from "./prices.js";

const AROUND_DAYS = 60; // seen on both sides of a finding

export async function open(place, { rest: [id], query, signal }) {
  const found = await call(`/datasets/${encodeURIComponent(id)}`, { signal });
  document.title = `${found.dataset_id} · Queuant`;
  const about = `${found.dataset_id}@${found.version}`;
  const first = found.symbols.includes(query.get("symbol")) ? query.get("symbol") : found.symbols[0];
  const { series: published } = await call("/macro/series", { query: { dataset: about }, signal });
  const shown = first && prices(found, { signal });

  function look(symbol, range = [null, null]) {
    remember({ symbol, from: range[0], to: range[1] });
    shown.show(symbol, range);
    shown.card.scrollIntoView({ block: "start", behavior: "smooth" });
  }

  lay(place,
    heading(found, about),
    caution(found.quality, `These data are ${found.quality}`),
    shown?.card,
    sideBySide(origin(found), versions(found, about)),
    findings(found, look),
    found.symbols.length > 0 && covered(found, look),
    calendars(found),
    published.length > 0 && series(found, published));
  await shown?.show(first, [query.get("from"), query.get("to")]);
}

function heading(found, about) {
  return header(found.title, element("span", { class: "quiet" }, about), quality(found.quality),
    actions(
      found.kind === "bars" && linkButton(address("new", { dataset: found.dataset_id }), "Run on it"),
      linkButton(address("jobs", { dataset_id: found.dataset_id }), "Its jobs")));
}

function origin(found) {
  return card("Provenance", facts([
    ["Source", found.source], ["To be cited as", found.cite], ["Licence", found.licence], ["Units", found.units],
    ["Quality", found.quality], ["Frequency", found.frequency], ["Sessions", found.calendar],
    ["Fields", found.fields.join(", ")], ["Splits and dividends", found.adjusted ? "in the prices" : "not in the prices"],
    ["Covers", `${day(found.start)} to ${day(found.end)}, ${number(found.bars, 0)} times`], ["Notes", found.notes],
    ...Object.entries(found.origin).map(([name, value]) => [name.replaceAll("_", " "), typeof value === "object" ? JSON.stringify(value) : String(value)]),
  ], "lines"));
}

function versions(found, about) {
  return card("Versions", quiet("A version is made of what the data say. It never changes; a result names the one that it was computed on."),
    table([
      { title: "Version", show: ({ version }) => element("a", { href: address(`data/${found.dataset_id}@${version}`) }, version) },
      { title: "Came", show: (item) => item.created_at ? when(item.created_at) : "with the server" },
      { title: "Shown", show: ({ version }) => (`${found.dataset_id}@${version}` === about ? "here" : "") },
    ], found.versions, { label: "versions" }));
}

function findings(found, look) {
  if (found.kind !== "bars") return null;
  if (!found.findings.length) return card("Findings", quiet("Nothing: no holes, no prices that stand still, no jumps that look like splits."));
  return card("Findings", table([
    { title: "Severity", show: ({ severity }) => element("span", { class: severity === "error" ? "bad" : "warn" }, severity), sort: ({ severity }) => severity },
    { title: "What", show: ({ code }) => code.replaceAll("_", " "), sort: ({ code }) => code },
    { title: "Symbol", show: ({ symbol }) => symbol || "all", sort: ({ symbol }) => symbol },
    { title: "From", show: ({ start }) => date(start), sort: ({ start }) => start },
    { title: "To", show: ({ end }) => date(end), sort: ({ end }) => end },
    { title: "Detail", show: ({ message }) => words(message) },
  ], found.findings, {
    onRow: (item) => look(item.symbol || found.symbols[0], [later(item.start, -AROUND_DAYS), later(item.end, AROUND_DAYS)]),
    caption: "An error refuses every run whose symbols and dates touch it; a warning is only told. Choose one to see it in the chart.", label: "findings",
  }));
}

function covered(found, look) {
  const gaps = new Map(found.gaps.map((gap) => [gap.symbol, gap]));
  const rows = found.symbols.map((name) => ({
    name, ...found.coverage[name], gap: gaps.get(name), found: found.findings.filter(({ symbol }) => symbol === name || symbol === ""),
  }));
  const columns = [
    { title: "Symbol", show: ({ name }) => name, sort: ({ name }) => name },
    { title: "From", show: ({ start }) => date(start), sort: ({ start }) => start },
    { title: "To", show: ({ end }) => date(end), sort: ({ end }) => end },
    { title: "Values", number: true, show: ({ bars }) => number(bars, 0), sort: ({ bars }) => bars },
    { title: "Missing", number: true, show: ({ missing }) => number(missing, 0), sort: ({ missing }) => missing },
    { title: "Longest gap", number: true, show: ({ gap }) => number(gap?.longest ?? 0, 0), sort: ({ gap }) => gap?.longest ?? 0 },
    { title: "Findings", number: true, show: (row) => number(row.found.length, 0), sort: (row) => row.found.length },
    { title: "Charged as", show: ({ name }) => found.cost_keys[name] ?? "unknown", sort: ({ name }) => found.cost_keys[name] },
  ];
  return card("Coverage", rows.length > 1 && coverage("When each symbol begins and ends", rows),
    tall(table(found.kind === "bars" ? columns : columns.slice(0, 5), rows, { onRow: ({ name }) => look(name), caption: "Choose one to see it in the chart.", label: "symbols" })));
}

function calendars(found) {
  const rows = Object.entries(found.calendars).map(([name, about]) => ({ name, ...about }));
  return rows.length ? card("Calendars", table([
    { title: "Calendar", show: ({ name }) => name }, { title: "From", show: ({ start }) => date(start) }, { title: "To", show: ({ end }) => date(end) },
    { title: "Events", number: true, show: ({ events }) => number(events, 0) },
  ], rows, { label: "calendars" })) : null;
}

function series(found, rows) {
  return card("Series that strategies read", tall(table([
    { title: "Series", show: ({ key }) => element("a", { href: address("data", { tab: "series", key, dataset: found.dataset_id }) }, key), sort: ({ key }) => key },
    { title: "What", show: (item) => item.title, sort: (item) => item.title },
    { title: "Unit", show: ({ unit }) => unit, sort: ({ unit }) => unit },
    { title: "Frequency", show: (item) => item.frequency, sort: (item) => item.frequency },
    { title: "From", show: (item) => date(item.first), sort: (item) => item.first },
    { title: "To", show: (item) => date(item.last), sort: (item) => item.last },
    { title: "Revised", show: ({ revised }) => (revised ? "yes" : "no"), sort: ({ revised }) => revised },
    { title: "Quality", show: (item) => quality(item.quality) ?? item.quality, sort: (item) => item.quality },
  ], rows, { label: "series" })));
}
