// More data: out of a file, or from a source.
import { call } from "../../core/api.js";
import { element } from "../../core/dom.js";
import { schemas } from "../../core/schema.js";
import { fetching } from "./fetching.js";
import { uploading } from "./uploading.js";

export async function open(place, { query, signal }) {
  const [{ sources }, described] = await Promise.all([call("/datasets/sources", { signal }), schemas()]);
  place.append(element("div", { class: "columns" }, uploading(signal), fetching(sources, described.Fetch, query, signal)));
}
