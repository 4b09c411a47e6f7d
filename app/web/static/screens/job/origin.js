// How the figures came about: data, rules, versions; and the way to compute them again and compare.
import { call, Refused } from "../../core/api.js";
import { card, element, facts, notice } from "../../core/dom.js";
import { label } from "../../core/format.js";
import { go } from "../../core/router.js";

export function open(place, { job, result }) {
  const { provenance, conventions, request, lookahead } = result;
  const said = element("div");
  const verify = element("button", { onclick: again }, "Run again and compare");

  async function again() {
    verify.disabled = true;
    try {
      const taken = await call(`/jobs/${job.job_id}/verify`, { method: "POST" });
      go(`job/${taken.job_id}`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      said.replaceChildren(notice(error.message, "bad"));
      verify.disabled = false;
    }
  }

  place.append(
    card("Provenance", facts(lines(provenance), "lines"),
      element("div", { class: "actions" }, job.links.verify && verify, said)),
    lookahead ? card("Look ahead", element("p", { class: lookahead.verdict === "clean" ? "good" : "bad" }, lookahead.verdict.replaceAll("_", " ")), element("p", {}, lookahead.sentence)) : "",
    card("Conventions", facts(lines(conventions), "lines")),
    card("The request, with every default", element("pre", { tabindex: 0 }, JSON.stringify(request, null, 2))));
}

function lines(values) {
  return Object.entries(values).map(([name, value]) => [label(name), typeof value === "object" ? JSON.stringify(value) : String(value)]);
}
