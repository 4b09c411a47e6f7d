// A list that is read page by page: `ask(cursor)` resolves to { rows, next }, `show(rows)` draws all that were read so
// far. The button asks for the next page, and is hidden where there is none; to reload reads as many rows as were there.
import { element } from "./dom.js";
import { inTurn } from "./live.js";

export function paged(name, ask, show) {
  let rows = [];
  let next = null;
  const turn = inTurn();
  const older = () => next !== null && read(next); // who presses twice may have had the last one
  const button = element("button", { hidden: true, onclick: () => turn(older) }, name);

  async function read(cursor, least = 0) {
    do {
      const page = await ask(cursor);
      rows = cursor === null ? page.rows : [...rows, ...page.rows];
      next = cursor = page.next;
    } while (rows.length < least && next !== null);
    button.hidden = next === null;
    await show(rows);
  }

  return { button, reload: () => turn(() => read(null, rows.length)) };
}
