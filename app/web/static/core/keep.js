// A place is filled anew as things change. What somebody did in it stays: where the keyboard is, how its tables are ordered
// and how far they are scrolled, what was opened; and what was refused stays said.

// Remember it; the function that is returned brings it back.
export function remembered(place) {
  const back = [refused, opened, ordered, scrolled, focused].map((look) => look(place));
  return () => back.forEach((again) => again());
}

function focused(place) {
  const active = document.activeElement;
  if (!place.contains(active) || active === place) return () => {};
  const like = likes(place, active);
  const at = like.indexOf(active);
  const row = active.closest("[data-key]");
  const { selectionStart: from = null, selectionEnd: to = null } = active;
  return () => {
    if (document.activeElement !== document.body) return; // somebody has gone on
    const found = active.isConnected ? active : likes(place, active, row)[at] ?? likes(place, active, row)[0] ?? (row && sameRow(place, row));
    if (found) {
      found.focus({ preventScroll: true });
      if (from !== null) found.setSelectionRange(from, to);
    } else {
      place.tabIndex = -1;
      place.focus({ preventScroll: true });
    }
  };
}

// What can be focused and looks the same, in the same row of a table.
function likes(place, one, row = one.closest("[data-key]")) {
  return [...place.querySelectorAll(one.tagName)].filter((other) => name(other) === name(one) && other.closest("[data-key]")?.dataset.key === row?.dataset.key);
}

function sameRow(place, row) {
  return place.querySelector(`[data-key="${CSS.escape(row.dataset.key)}"]`);
}

function name(one) {
  return one.dataset.key ?? one.getAttribute("aria-label") ?? one.getAttribute("name") ?? one.dataset.pointer ?? one.labels?.[0]?.textContent ?? one.textContent;
}

function refused(place) {
  const said = [...place.children].filter((child) => "refusal" in child.dataset);
  return () => place.append(...said);
}

function opened(place) {
  const titles = [...place.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
  return () => {
    for (const summary of place.querySelectorAll("details > summary")) if (titles.includes(summary.textContent)) summary.parentElement.open = true;
  };
}

const label = (one) => one.closest("[role=region]")?.getAttribute("aria-label");

function ordered(place) {
  const heads = [...place.querySelectorAll("th[aria-sort]")].map((head) => ({ of: label(head), title: head.textContent, order: head.getAttribute("aria-sort") }));
  return () => {
    for (const head of heads.length ? place.querySelectorAll("th") : []) {
      const before = heads.find(({ of, title }) => of === label(head) && title === head.textContent);
      for (let press = 0; before && press < 2 && head.getAttribute("aria-sort") !== before.order; press += 1) head.querySelector("button")?.click();
    }
  };
}

function scrolled(place) {
  const moved = [...place.querySelectorAll("[role=region]")].filter(({ scrollLeft }) => scrollLeft).map((region) => [label(region), region.scrollLeft]);
  return () => {
    for (const [of, left] of moved) for (const region of place.querySelectorAll("[role=region]")) if (label(region) === of) region.scrollLeft = left;
  };
}
