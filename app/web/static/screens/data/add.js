// More data: out of a file, from a source, or of what is there.
import { call } from "../../core/api.js";
import { sideBySide } from "../../core/dom.js";
import { schemas } from "../../core/schema.js";
import { composing } from "./composing.js";
import { fetching } from "./fetching.js";
import { uploading } from "./uploading.js";

export async function open(place, { query, signal }) {
  const [{ sources }, { datasets }, described] = await Promise.all([
    call("/datasets/sources", { signal }), call("/datasets", { signal }), schemas()]);
  place.append(sideBySide(
    uploading(signal), fetching(sources, described.Fetch, query, signal), composing(datasets, described.Compose, signal)));
}
