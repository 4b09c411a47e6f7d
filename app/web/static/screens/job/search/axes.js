// Parallel axes as SVG. Some fifty lines are one path: thousands of elements would be slow, and where paths lie upon
// each other the colour says how many.
export const HEIGHT = 300;
const TOP = 40;
const BOTTOM = 24;
const LEAST_GAP = 96;
const SIDE = 50;
const BEST = 10;
const TOGETHER = 50;
const NAMESPACE = "http://www.w3.org/2000/svg";

export function draw(place, axes, { picked, rest, limits }, onDrag) {
  const width = Math.max(place.clientWidth, axes.length * LEAST_GAP);
  const x = (at) => (axes.length === 1 ? width / 2 : SIDE + at * (width - 2 * SIDE) / (axes.length - 1));
  const path = (name, rows, opacity = 1) => svg("path", { class: name, "stroke-opacity": opacity, d: rows.map((row) => course(axes, row, x)).join("") });
  const shares = Array.from({ length: Math.ceil(picked.length / TOGETHER) }, (_, at) => picked.slice(at * TOGETHER, (at + 1) * TOGETHER));
  const opacity = Math.max(0.12, Math.min(0.6, 60 / picked.length));
  place.replaceChildren(svg("svg", { class: "lines", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" },
    path("rest", rest, 0.6), ...shares.map((rows) => path("picked", rows, opacity)), path("best", picked.slice(0, BEST)),
    ...axes.map((axis, at) => upright(axis, x(at), limits.get(axis.name), onDrag))));
}

// The value at a height of the picture; of words the nearest one.
export function valueAt(axis, y) {
  const share = Math.min(Math.max((HEIGHT - BOTTOM - y) / (HEIGHT - BOTTOM - TOP), 0), 1);
  if (!axis.numeric) return axis.values[Math.round(share * (axis.values.length - 1))];
  return axis.low + share * (axis.high - axis.low);
}

function heightOf(axis, value) {
  if (value === null || value === undefined) return null;
  const [low, high] = axis.numeric ? [axis.low, axis.high] : [0, axis.values.length - 1];
  const place = axis.numeric ? value : axis.values.indexOf(value);
  const share = high > low ? (place - low) / (high - low) : 0.5;
  return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP);
}

// Where a figure is not defined, the line has a gap.
function course(axes, row, x) {
  let pen = "M";
  return axes.map((axis, at) => {
    const y = heightOf(axis, axis.of(row));
    const step = y === null ? "" : `${pen}${x(at).toFixed(1)} ${y.toFixed(1)}`;
    pen = y === null ? "M" : "L";
    return step;
  }).join("");
}

function upright(axis, x, limit, onDrag) {
  const ends = axis.numeric ? [[TOP - 6, axis.high], [HEIGHT - BOTTOM + 14, axis.low]] : [];
  const words = axis.numeric ? [] : axis.values.map((value) => [heightOf(axis, value) + 4, value]);
  const group = svg("g", {},
    svg("line", { x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }),
    limit && svg("rect", { class: "limit", ...band(axis, limit), x: x - 7, width: 14 }),
    svg("text", { class: "name", x, y: 16, "text-anchor": "middle" }, axis.title),
    ...ends.map(([y, value]) => svg("text", { x, y, "text-anchor": "middle" }, axis.show(value))),
    ...words.map(([y, value]) => svg("text", { x: x + 8, y }, String(value))));
  const hold = svg("rect", { class: "hold", x: x - 18, width: 36, y: TOP - 10, height: HEIGHT - TOP - BOTTOM + 20 });
  const moving = svg("rect", { class: "limit", x: x - 7, width: 14, height: 0 });
  follow(hold, moving, (from, to) => onDrag(axis, from, to));
  group.append(moving, hold);
  return group;
}

function follow(hold, moving, done) {
  let from = null;
  const heightAt = (event) => event.clientY - hold.ownerSVGElement.getBoundingClientRect().top;
  hold.addEventListener("pointerdown", (event) => {
    from = heightAt(event);
    hold.setPointerCapture(event.pointerId);
  });
  hold.addEventListener("pointermove", (event) => {
    if (from === null) return;
    moving.setAttribute("y", Math.min(from, heightAt(event)));
    moving.setAttribute("height", Math.abs(heightAt(event) - from));
  });
  hold.addEventListener("pointerup", (event) => {
    if (from !== null) done(from, heightAt(event));
    from = null;
  });
  hold.addEventListener("pointercancel", () => {
    from = null;
    moving.setAttribute("height", 0);
  });
}

function band(axis, [low, high]) {
  if (!axis.numeric) return { y: heightOf(axis, low) - 8, height: 16 };
  const inside = (value) => Math.min(Math.max(value, TOP), HEIGHT - BOTTOM);
  const top = high === "" ? TOP : inside(heightOf(axis, Number(high)));
  const bottom = low === "" ? HEIGHT - BOTTOM : inside(heightOf(axis, Number(low)));
  return { y: Math.min(top, bottom), height: Math.max(bottom - top, 2) };
}

function svg(name, attributes, ...children) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter(Boolean));
  return made;
}
