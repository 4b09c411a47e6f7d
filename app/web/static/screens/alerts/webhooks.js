// Where alerts are sent to, and what became of it.
import { call } from "../../core/api.js";
import { actions, card, element, empty, field, lay, quiet, table, tall, words } from "../../core/dom.js";
import { ask, confirmed, copying, filled, dialog, secretInput, tried } from "../../core/forms.js";
import { marked, number, when } from "../../core/format.js";
import { inTurn, watch } from "../../core/live.js";
import { remember } from "../../core/router.js";
import { input, schemas } from "../../core/schema.js";
import { delivered, moment, nameInput, severity, SEVERITIES, step } from "./parts.js";

export async function open(place, { query, signal }) {
  const { WebhookAddress: { properties: address } } = await schemas();
  const list = element("div");
  const sent = element("div");
  const turn = inTurn(signal);
  let chosen = query.get("webhook");
  place.append(card(null, quiet("Every alert from a severity on is sent there, signed. Only public https addresses are sent to."), list,
    actions(element("button", { onclick: () => edit(null) }, "Add a webhook …"))), sent);

  async function reload() {
    const { webhooks } = await call("/alerts/webhooks", { signal });
    lay(list, webhooks.length ? table(columns, webhooks, { label: "webhooks", onRow: choose, key: ({ webhook_id }) => webhook_id, current: ({ webhook_id }) => webhook_id === chosen })
      : empty("Alerts are sent nowhere: they are on this page only."));
    if (chosen && !webhooks.some(({ webhook_id }) => webhook_id === chosen)) lay(sent);
    else await look();
  }

  const columns = [
    { title: "Name", show: (row) => row.webhook_id, sort: (row) => row.webhook_id },
    { title: "Address", show: (row) => element("code", {}, row.url), sort: (row) => row.url },
    { title: "Severity from", show: severity, sort: (row) => SEVERITIES.indexOf(row.severity) },
    { title: "State", show: (row) => row.enabled ? marked("on", "ok") : marked("paused"), sort: (row) => row.enabled },
    { title: "Changed", show: (row) => when(row.changed_at), sort: (row) => row.changed_at },
    { title: "Actions", show: (row) => element("span", { class: "actions inline" }, step("Change", row.webhook_id, () => edit(row)), step("Delete", row.webhook_id, () => remove(row))) },
  ];

  async function remove({ webhook_id: id }) {
    if (!await confirmed(`Delete ${id}?`, "What was still to be sent to it is not sent any more.", "Delete it")) return;
    await tried(list, async () => {
      await call(`/alerts/webhooks/${id}`, { method: "DELETE" });
      await reload();
    });
  }

  async function choose({ webhook_id: id }) {
    chosen = id;
    remember({ webhook: id });
    await look();
  }

  const look = () => chosen && filled(sent, () => turn(readSent));

  async function readSent() {
    const id = chosen;
    const { deliveries } = await call(`/alerts/webhooks/${encodeURIComponent(id)}/deliveries`, { signal });
    lay(sent, card(`Sent to ${id}`, deliveries.length ? tall(table([
      { title: "Alert", show: (row) => words(row.message) }, { title: "Raised", show: (row) => when(row.raised_at) }, { title: "State", show: delivered },
      { title: "Attempts", number: true, show: (row) => number(row.attempt) }, { title: "When", show: moment }, { title: "Error", show: (row) => words(row.error ?? "") },
    ], deliveries, { label: "deliveries", caption: "The last 50." })) : empty("Nothing was sent to it yet: no alert of its severity was raised since it is there.")));
  }

  function edit(row) {
    const name = nameInput();
    const body = row ? { url: row.url, severity: row.severity, enabled: row.enabled } : {};
    ask(row ? row.webhook_id : "A webhook", async () => {
      const saved = await call(`/alerts/webhooks/${encodeURIComponent(row?.webhook_id ?? name.value)}`, { method: "PUT", body });
      await reload();
      if (saved.secret) tellSecret(saved);
    }, !row && field("Name", name), ["url", "secret", "severity", "enabled"].map((one) => input(`/${one}`, address[one], body)));
  }

  await reload();
  watch("alerts", () => look(), signal, 1000);
}

function tellSecret({ webhook_id: id, secret }) {
  const shown = secretInput(secret, "the secret");
  const made = dialog(`The secret of ${id}`, element("p", {}, "Deliveries are signed with it. It is shown now and never again."), shown,
    actions(copying(shown), element("button", { class: "primary", onclick: () => made.close() }, "I have it")));
}
