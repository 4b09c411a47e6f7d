// A job that another screen has started, followed on the spot: its state, how far it is, and what came of it.
import { call } from "./api.js";
import { element, lay } from "./dom.js";
import { state } from "./format.js";
import { calmly, inTurn, subscribe } from "./live.js";
import { address } from "./router.js";

const ENDED = new Set(["succeeded", "failed", "cancelled"]);

// Shows the job in `place` until it ends, or until another one is followed there; `onEnd(job)` may give what to say of its end.
export function follow(place, jobId, signal, onEnd = () => null) {
  const shown = element("div");
  lay(place, shown);
  const bar = element("progress", { max: 1, "aria-label": "progress" });
  const turn = inTurn(signal);
  let ended = false;

  async function read() {
    if (ended) return;
    const job = await call(`/jobs/${jobId}`, { signal });
    ended = ENDED.has(job.status);
    const link = element("a", { href: address(`job/${jobId}`) }, `Job ${jobId.slice(0, 8)}`);
    lay(shown, element("p", { role: "status" }, state(job), " · ", link, job.error ? `: ${job.error.message}` : ""));
    if (!ended) return shown.append(bar);
    const said = await onEnd(job);
    if (said) shown.append(said);
  }

  const show = () => turn(read);
  const refresh = calmly(show, 50, signal);
  subscribe(`jobs/${jobId}`, {
    onGap: refresh,
    onEvent: ({ type, data }) => {
      if (type !== "job_progress") refresh();
      else if (data.fraction !== null) bar.value = data.fraction;
    },
  }, signal);
  return show();
}
