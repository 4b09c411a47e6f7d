// All keys: a new one, whose secret is shown this once, and the end of one.
import { call } from "../../core/api.js";
import { actions, card, element, field, grid, group, lay, notice, select, table } from "../../core/dom.js";
import { when } from "../../core/format.js";
import { confirmed, copying, secretInput, submits, tried } from "../../core/forms.js";
import { inTurn } from "../../core/live.js";

const DAY = 86_400;
const LIVES = [["", "until it is revoked"], [DAY, "a day"], [30 * DAY, "30 days"], [90 * DAY, "90 days"], [365 * DAY, "a year"]];
const SCOPES = ["read", "run", "admin"];

export async function open(place, { me, signal }) {
  const list = element("div");
  const made = element("div", { role: "status" });
  const turn = inTurn(signal);
  const closed = element("input", { type: "checkbox", onchange: () => show() });

  const show = () => turn(read);

  async function read() {
    const { keys } = await call("/keys", { signal });
    const rows = keys.filter(({ open }) => open || closed.checked).reverse();
    lay(list, table(columns(me, revoke), rows, { label: "keys" }));
  }

  async function create() {
    const scopes = may.filter(({ checked }) => checked).map(({ value }) => value);
    const body = { owner: owner.value, scopes, label: label.value || undefined, expires_in_seconds: life.value ? Number(life.value) : undefined };
    const key = await call("/keys", { method: "POST", body, signal });
    lay(made, shown(key));
    await show();
  }

  async function revoke(key) {
    const mine = key.key_id === me.key?.key_id;
    const text = `${mine ? "It is the one that you are signed in with: you are signed out at once. " : ""}Its requests and sessions are refused at once, its sockets closed within minutes. This cannot be taken back.`;
    if (!await confirmed(`Revoke the key ${key.key_id} of ${key.owner}?`, text, "Revoke it")) return;
    await tried(list, async () => {
      await call(`/keys/${key.key_id}`, { method: "DELETE", signal });
      await show();
    });
  }

  const owner = element("input", { "data-pointer": "/owner", maxlength: 64, value: me.owner });
  const label = element("input", { "data-pointer": "/label", maxlength: 100, placeholder: "notebook" });
  const life = select({ "data-pointer": "/expires_in_seconds" }, LIVES);
  const may = SCOPES.map((scope) => element("input", { type: "checkbox", value: scope, checked: scope !== "admin" }));
  const form = element("form", { onsubmit: submits(create) },
    grid(field("Owner", owner, "Whose jobs it sees."), field("Label", label, "What it is for."), field("Valid", life)),
    group("Scopes", actions(may.map((box) => element("label", {}, box, box.value)))),
    actions(element("button", { class: "primary" }, "Create a key")), made);
  place.append(card("Create a key", form), card("Keys", actions(element("label", {}, closed, "Revoked and expired ones too")), list));
  await show();
}

function shown({ key, key_id: id, owner }) {
  const secret = secretInput(key, "new key");
  return [notice(`The key ${id} of ${owner}. It is shown this once: only its hash is kept.`), secret, actions(copying(secret))];
}

function columns(me, revoke) {
  return [
    { title: "Key", show: ({ key_id: id }) => [element("code", {}, id), id === me.key?.key_id ? element("span", { class: "hint" }, "yours") : ""], sort: ({ key_id: id }) => id },
    { title: "Owner", show: ({ owner }) => owner, sort: ({ owner }) => owner },
    { title: "Label", show: ({ label }) => label ?? "", sort: ({ label }) => label },
    { title: "Scopes", show: ({ scopes }) => scopes.join(", "), sort: ({ scopes }) => scopes.join() },
    { title: "Created", show: ({ created_at: at }) => when(at, { seconds: false }), sort: ({ created_at: at }) => at },
    { title: "Last used", show: ({ last_used_at: at }) => when(at, { seconds: false }), sort: ({ last_used_at: at }) => at },
    { title: "Expires", show: ({ expires_at: at }) => (at ? when(at, { seconds: false }) : "never"), sort: ({ expires_at: at }) => at },
    { title: "State", show: (key) => (key.revoked_at ? ["revoked ", when(key.revoked_at, { seconds: false })] : key.open ? "open" : "expired"), sort: ({ open }) => open },
    { title: "Actions", show: (key) => (key.open ? element("button", { "aria-label": `revoke ${key.key_id}`, onclick: () => revoke(key) }, "Revoke") : "") },
  ];
}
