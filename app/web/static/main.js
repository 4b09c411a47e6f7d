// The page: the screen that the address names, and everything around it.
import { Refused } from "./core/api.js";
import { empty, element, notice, toast } from "./core/dom.js";
import { connect } from "./core/live.js";
import { here } from "./core/router.js";
import { build, mark } from "./core/shell.js";
import { SCREENS } from "./screens.js";

const place = document.getElementById("screen");
let open = new AbortController();

async function show() {
  open.abort();
  open = new AbortController();
  const { signal } = open;
  const { path: [name = "jobs", ...rest], query } = here();
  const screen = SCREENS.find(({ path }) => path === name);
  mark(name);
  const made = element("div", { class: "screen" });
  place.replaceChildren(made);
  if (!screen) {
    made.append(empty(`There is no screen '${name}'.`, "#/jobs", "Go to the jobs"));
    return;
  }
  document.title = `${screen.title} · Queuant`;
  made.setAttribute("aria-busy", "true");
  try {
    await (await screen.load()).open(made, { rest, query, signal });
  } catch (error) {
    if (signal.aborted) return;
    made.append(notice(error instanceof Refused ? error.message : "This screen could not be shown. Loading the page anew may help.", "bad"));
    if (!(error instanceof Refused)) throw error;
  } finally {
    made.removeAttribute("aria-busy");
  }
}

addEventListener("hashchange", async () => {
  await show();
  place.focus({ preventScroll: true });
  scrollTo(0, 0);
});
// What a screen still waited for when it was left is no error; what was refused and told nowhere else is told here.
addEventListener("unhandledrejection", (event) => {
  const { reason } = event;
  if (reason instanceof Refused) toast(reason.message);
  if (reason instanceof Refused || reason?.name === "AbortError") event.preventDefault();
});
build();
show();
connect();
