// What happened to a job, as its live channel told it.
import { call } from "../../core/api.js";
import { card, facts, table } from "../../core/dom.js";
import { duration, when } from "../../core/format.js";

export async function open(place, { job, signal }) {
  const { events } = await call(`/jobs/${job.job_id}/events`, { signal });
  const seconds = (from, to) => (from && to ? duration((new Date(to) - new Date(from)) / 1000) : null);
  place.append(
    card("Job", facts([
      ["Id", job.job_id], ["Kind", job.kind], ["Attempt", `${job.attempt} of ${job.max_attempts}`],
      ["Queue time", seconds(job.created_at, job.started_at)], ["Run time", seconds(job.started_at, job.finished_at)],
      ["Compute time", job.compute_ms === null ? null : duration(job.compute_ms / 1000)],
      ["Retry of", job.retry_of], ["Tags", job.tags.join(", ")], ["Hash of the request", job.request_hash],
    ], "lines")),
    card("Events", table([
      { title: "At", show: ({ at }) => when(at) },
      { title: "Event", show: ({ type }) => type.replaceAll("_", " ") },
      { title: "Attempt", number: true, show: ({ data }) => String(data.attempt ?? "") },
      { title: "Error", show: ({ data }) => data.error ? `${data.error.code}: ${data.error.message}` : "" },
    ], events)));
}
