// Charts by Plotly, in the page's colours. SVG traces only: WebGL ones compile code, which the page's policy forbids.
import { Unanswered } from "./api.js";
import { element } from "./dom.js";

const PAPER = 640; // pixels that A4 leaves within its margins and those of a card
const drawn = new Map(); // place -> make
let plotly = null;
let turn = Promise.resolve();
let colours = null; // until they change

// Draw what `make(theme)` returns, { traces, layout }, and draw it again whenever the colours change. Returns a promise
// of the place, once it is drawn: the charts of a screen come one after the other, in the order in which they are asked for.
export async function draw(place, make) {
  drawn.set(place, make);
  const Plotly = await library();
  turn = turn.then(() => new Promise((done) => setTimeout(done))); // the page shows what there is before the next one
  await turn;
  await paint(Plotly, place, make);
  return place;
}

function paint(Plotly, place, make, more = {}) {
  const { traces, layout = {} } = make(theme());
  return Plotly.react(place, traces.map(plain), { ...merged(base(theme()), layout), ...more }, { responsive: true, displayModeBar: false });
}

// Plotly takes what looks like HTML in texts for markup; to us they are letters. Templates are our own: what goes into
// one, or into a title, and is not goes through `letters`.
function plain(trace) {
  return Object.fromEntries(Object.entries(trace).map(([name, value]) =>
    [name, ["name", "x", "y", "text"].includes(name) ? letters(value) : value]));
}

export function letters(value) {
  if (Array.isArray(value)) return value.some((one) => typeof one === "string" && /[<&]/.test(one)) ? value.map(letters) : value;
  return typeof value === "string" ? value.replaceAll("&", "&amp;").replaceAll("<", "&lt;") : value;
}

// A place for a chart, with words for those who cannot see it.
export function chart(words, height = "20rem") {
  const place = element("div", { class: "chart", role: "img", "aria-label": words });
  place.style.height = height;
  return place;
}

// A height in which so many lying rows can be told apart.
export function heightOf(rows) {
  return `${Math.min(36, Math.max(10, 1.25 * rows + 3))}rem`;
}

export async function zoom(place, start, end) {
  (await library()).relayout(place, { "xaxis.range": [start, end] });
}

// A box that makes the upper axis of a chart logarithmic. What draws it anew asks for the `type` of that axis.
export function logarithmic(place) {
  const box = element("input", { type: "checkbox", onchange: async () => (await library()).relayout(place, { "yaxis.type": type() }) });
  const type = () => (box.checked ? "log" : "linear");
  return { shown: element("label", {}, box, "Logarithmic"), type };
}

export function redrawAll() {
  colours = null;
  for (const [place, make] of drawn) {
    if (place.isConnected) draw(place, make);
    else drawn.delete(place);
  }
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);

// Paper is white, and narrower than most windows. It is printed right after this event: nothing may wait.
addEventListener("beforeprint", () => {
  const root = document.documentElement;
  const { theme: before } = root.dataset;
  root.dataset.theme = "light";
  colours = null;
  const there = window.Plotly ? [...drawn].filter(([place]) => place.isConnected) : [];
  for (const [place, make] of there) paint(window.Plotly, place, make, { width: PAPER });
  addEventListener("afterprint", () => {
    root.dataset.theme = before;
    redrawAll();
    for (const [place] of there) window.Plotly.Plots.resize(place);
  }, { once: true });
});

// Fetch what draws charts before there is something to draw. Where that fails, the chart that needs it says so.
export function prepare() {
  library().catch(() => {});
}

function library() {
  plotly ??= new Promise((done, fail) => {
    document.head.append(element("script", { src: "/vendor/plotly/plotly.min.js", onload: () => done(window.Plotly), onerror: () => {
      plotly = null; // fetched again by the next chart
      fail(new Unanswered());
    } }));
  });
  return plotly;
}

// The colours that the style sheet gives for the theme that is on, as a canvas understands them.
function theme() {
  return colours ??= read();
}

function read() {
  const probe = element("span", { class: "probe" });
  document.body.append(probe);
  const names = ["text", "quiet", "line", "card", "accent", "good", "bad", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];
  const found = Object.fromEntries(names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  }));
  probe.remove();
  const series = names.filter((name) => /^c\d$/.test(name)).map((name) => found[name]);
  return {
    ...found,
    series,
    // From loss to gain, the same for everybody: blue and orange are told apart by all kinds of eyes.
    diverging: [[0, found.c2], [0.5, found.card], [1, found.c1]],
    // The lowest can be told from the ground, which stands for nothing.
    rising: [[0, mixed(found.card, found.c1, 0.18)], [1, found.c1]],
    soft: (colour, share = 0.18) => colour.replace("rgb(", "rgba(").replace(")", `, ${share})`),
  };
}

function mixed(under, over, share) {
  const [from, to] = [under, over].map((colour) => colour.match(/[\d.]+/g).map(Number));
  return `rgb(${[0, 1, 2].map((at) => Math.round(from[at] + share * (to[at] - from[at]))).join(", ")})`;
}

function base({ text, quiet, line, card, series }) {
  const axis = () => ({ gridcolor: line, linecolor: line, zerolinecolor: line, automargin: true });
  return {
    paper_bgcolor: "transparent", plot_bgcolor: "transparent", showlegend: false, hovermode: "x unified",
    colorway: series, font: { color: quiet, family: getComputedStyle(document.body).fontFamily, size: 12 },
    hoverlabel: { bgcolor: card, bordercolor: line, font: { color: text } },
    margin: { l: 55, r: 15, t: 12, b: 30 }, xaxis: axis(), yaxis: axis(), legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
  };
}

// `over` has the last word; of axes and legends both count.
function merged(under, over) {
  const all = { ...under, ...over };
  for (const name of Object.keys(over)) if (/^([xy]axis|legend)/.test(name)) all[name] = { ...under[name.replace(/\d+$/, "")], ...over[name] };
  return all;
}
