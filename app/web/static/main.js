// The page: the screen that the address names, and everything around it.
import { Refused } from "./core/api.js";
import { prepare } from "./core/charts.js";
import { element, empty, toast } from "./core/dom.js";
import { connect } from "./core/live.js";
import { pane } from "./core/pane.js";
import { here } from "./core/router.js";
import { build, mark } from "./core/shell.js";
import { SCREENS } from "./screens.js";

const place = document.getElementById("screen");
const fill = pane(place);

function show() {
  const { path: [name = "jobs", ...rest], query } = here();
  const screen = SCREENS.find(({ path }) => path === name);
  mark(name);
  if (!screen) return fill((made) => made.append(element("h1", {}, "Not found"), empty(`There is no screen '${name}'.`, "#/jobs", "Go to the jobs")));
  document.title = `${screen.title} · Queuant`;
  return fill(async (made, signal) => (await screen.load()).open(made, { rest, query, signal }));
}

addEventListener("hashchange", async () => {
  const shown = show();
  scrollTo(0, 0);
  await shown;
  if (!place.contains(document.activeElement)) place.focus({ preventScroll: true }); // else somebody has begun already
});
// What a screen still waited for when it was left is no error; what was refused and told nowhere else is told here.
addEventListener("unhandledrejection", (event) => {
  const { reason } = event;
  if (reason instanceof Refused) toast(reason.message);
  if (reason instanceof Refused || reason?.name === "AbortError") event.preventDefault();
});
build();
show().finally(() => (window.requestIdleCallback ?? setTimeout)(prepare)); // so that the first chart need not wait for it
connect();
