// How the figures came about: data, rules, versions; and the way to compute them again and compare.
import { call } from "../../core/api.js";
import { actions, card, element, facts, lay } from "../../core/dom.js";
import { action } from "../../core/forms.js";
import { label, verdict } from "../../core/format.js";
import { go } from "../../core/router.js";

export function open(place, { job, result }) {
  const { provenance, conventions, request, lookahead } = result;
  const said = element("div");
  const verify = action("Run again and compare", said, async () => {
    const taken = await call(`/jobs/${job.job_id}/verify`, { method: "POST" });
    go(`job/${taken.job_id}`);
  });

  lay(place,
    card("Provenance", facts(lines(provenance), "lines"),
      actions(job.links.verify && verify, said)),
    lookahead && card("Look ahead", element("p", {}, verdict(lookahead.verdict)), element("p", {}, lookahead.sentence)),
    conventions && card("Conventions", facts(lines(conventions), "lines")),
    card("The request, with every default", element("pre", { tabindex: 0 }, JSON.stringify(request, null, 2))));
}

function lines(values) {
  return Object.entries(values).map(([name, value]) => [label(name), typeof value === "object" ? JSON.stringify(value) : String(value)]);
}
