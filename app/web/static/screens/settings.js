// Who am I, how the page looks, and the keys that open the platform.
import { call } from "../core/api.js";
import { card, element, facts, field, header, quiet, select, sideBySide, table } from "../core/dom.js";
import { duration, number, when } from "../core/format.js";
import { setTheme, theme, THEMES } from "../core/shell.js";

const COLOURS = { auto: "as the system has them", light: "light", dark: "dark" };
const MAY = {
  read: "read: look at everything of its owner, and at what all share",
  run: "run: start, cancel and delete jobs; change what stands",
  admin: "admin: all of that; list, create and revoke keys",
};

export async function open(place, { signal }) {
  const me = await call("/keys/current", { signal });
  place.append(
    header("Settings"),
    sideBySide(who(me), card("Colours", colours())));
  if (me.scopes.includes("admin")) await (await import("./settings/keys.js")).open(place, { me, signal });
  else place.append(card("Keys", quiet("A key with the scope 'admin' lists, creates and revokes keys; yours does not have it.")));
}

function who({ owner, scopes, key, limits, jobs_today: jobs }) {
  return card("You", facts([
    ["Owner", owner], ["Scopes", Object.keys(MAY).filter((scope) => scopes.includes(scope)).map((scope) => element("div", {}, MAY[scope]))],
    ["Key", key && [key.key_id, key.label ? `, ${key.label}` : ""]], ["Created", key && when(key.created_at)],
    ["Expires", key && (key.expires_at ? when(key.expires_at) : "never")], ["Last used", key?.last_used_at && when(key.last_used_at)],
    ["Jobs a day", jobs.limit === null ? "any number" : `${number(jobs.used, 0)} of ${number(jobs.limit, 0)} since midnight (UTC), full again in ${duration(jobs.reset_seconds)}`],
  ], "lines"), element("h3", {}, "Requests in the last minute"), table([
    { title: "Kind", show: ({ name }) => name }, { title: "Used", number: true, show: ({ used }) => number(used, 0) },
    { title: "Limit", number: true, show: ({ limit }) => (limit === null ? "any number" : number(limit, 0)) },
    { title: "Full again in", number: true, show: ({ used, reset_seconds: seconds }) => (used ? duration(seconds) : "") },
  ], limits, { label: "limits" }));
}

function colours() {
  const chosen = select({ onchange: () => setTheme(chosen.value) }, THEMES.map((name) => [name, COLOURS[name]]), theme());
  return field("Colours of the page", chosen, "Kept in this browser.");
}
