// What stands around every screen: the way to the others, the state of the live channel, alerts, light and dark.
import { call, leave } from "./api.js";
import { redrawAll } from "./charts.js";
import { element, toast } from "./dom.js";
import { calmly, onState, subscribe } from "./live.js";
import { SCREENS } from "../screens.js";

const MOST_COUNTED = 99;
export const THEMES = ["auto", "light", "dark"];

export function build() {
  const groups = [...new Set(SCREENS.map((screen) => screen.group).filter(Boolean))];
  document.getElementById("ways").replaceChildren(...groups.flatMap((group) => [
    element("h2", {}, group),
    ...SCREENS.filter((screen) => screen.group === group).map((screen) =>
      element("a", { href: `#/${screen.path}`, "data-path": screen.path }, screen.title)),
  ]));
  document.getElementById("skip").addEventListener("click", () => document.getElementById("screen").focus());
  const live = document.getElementById("live");
  onState((state) => {
    live.textContent = state;
    live.className = `badge ${state}`;
  });
  const count = calmly(countAlerts, 500);
  subscribe("alerts", {
    onGap: count,
    onEvent: ({ type, data }) => {
      count();
      if (type.startsWith("alert_")) return; // what became of one that was told
      if (data.message) toast(element("strong", {}, data.severity ?? type), " ", element("a", { href: "#/alerts" }, data.message));
    },
  });
  // Who signs out in one tab is signed out in all of them.
  const tabs = new BroadcastChannel("signed out");
  tabs.addEventListener("message", leave);
  document.querySelector("form[action='/logout']").addEventListener("submit", () => tabs.postMessage(null));
  document.getElementById("theme").addEventListener("click", () => setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]));
  setTheme(theme());
}

// How many alerts are open, beside the way to them.
async function countAlerts() {
  const { alerts, next } = await call("/alerts", { query: { status: "open", limit: MOST_COUNTED } });
  const text = next ? `${MOST_COUNTED}+` : String(alerts.length);
  document.querySelector("#ways .count")?.remove();
  if (alerts.length) document.querySelector("#ways a[data-path=alerts]")?.append(element("span", { class: "count", title: `${text} open` }, text));
}

// Mark the way that was taken; on a phone it may lie beyond the edge.
export function mark(path) {
  for (const link of document.querySelectorAll("#ways a")) {
    if (link.dataset.path === path) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.querySelector("#ways [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

export function theme() {
  return localStorage.getItem("theme") ?? "auto";
}

export function setTheme(name) {
  const button = document.getElementById("theme");
  button.textContent = { auto: "◐", light: "☀", dark: "☾" }[name];
  button.title = button.ariaLabel = `Colours: ${name}`;
  localStorage.setItem("theme", name);
  document.documentElement.dataset.theme = name;
  redrawAll();
}
