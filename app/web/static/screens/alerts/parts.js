// How alerts, rules and deliveries are told.
import { marked, when } from "../../core/format.js";

export const SEVERITIES = ["info", "warning", "critical"];

export function severity({ severity: name }) {
  return marked(name);
}

const STATES = { open: "queued", acknowledged: "running", resolved: "succeeded" }; // the marks of a job's states

export function standing({ status }) {
  return marked(status, STATES[status]);
}

const SENT = { pending: "queued", sent: "succeeded", failed: "failed" };

export function delivered({ status }) {
  return marked(status, SENT[status]);
}

// When a delivery arrived, or when it is tried again.
export function moment({ status, sent_at: sent, due_at: due }) {
  if (status === "sent") return when(sent);
  return status === "pending" ? ["again ", when(due)] : "no more";
}
