// How alerts, rules and deliveries are told.
import { element } from "../../core/dom.js";
import { marked, when } from "../../core/format.js";

export const SEVERITIES = ["info", "warning", "critical"];

export function severity({ severity: name }) {
  return marked(name);
}

const STATES = { open: "queued", acknowledged: "running", resolved: "succeeded" }; // the marks of a job's states

export function standing({ status }) {
  return marked(status, STATES[status]);
}

// What can be done with a row of a table: `about` says to those who only hear the button which row it is.
export function step(name, about, press) {
  return element("button", { "aria-label": `${name}: ${about}`, onclick: press }, name);
}

// The name of a rule or a webhook that is made here.
export function nameInput() {
  return element("input", { required: true, pattern: "[A-Za-z0-9][A-Za-z0-9_\\-]{0,63}", title: "Letters, digits, _ and -." });
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
