// The result of a job that ran no account: what it found, in its own words.
import { card, element, facts, lay } from "../../core/dom.js";
import { label } from "../../core/format.js";

const ABOUT = new Set(["job_id", "kind", "links", "request"]);

export function open(place, { result }) {
  const found = Object.entries(result).filter(([name]) => !ABOUT.has(name));
  const plain = found.filter(([, value]) => typeof value !== "object");
  const deep = found.filter(([, value]) => value !== null && typeof value === "object");
  const sentence = result.lookahead?.sentence;
  lay(place,
    sentence && card(null, element("p", {}, sentence)),
    plain.length > 0 && card(null, facts(plain.map(([name, value]) => [label(name), String(value)]))),
    deep.map(([name, value]) => card(label(name), element("pre", { tabindex: 0 }, JSON.stringify(value, null, 2)))));
}
