// A file with bars, series or calendars, by drag and drop or by a button; what was read of it, or where it is wrong.
import { Refused, upload } from "../../core/api.js";
import { actions, card, element, facts, field, grid, lay, linkButton, notice, quiet, select } from "../../core/dom.js";
import { once } from "../../core/forms.js";
import { day, number, quality, several } from "../../core/format.js";
import { address } from "../../core/router.js";

const QUALITIES = ["real", "proxy", "synthetic"];
const FORMATS = "CSV or Parquet: long (time, symbol, open, high, low, close, volume), wide (time and a column of closes for each symbol), one symbol's bars, series (key, observed, available, value) or calendars (calendar, date, announced).";

export function uploading(signal) {
  const said = element("div", { role: "status" });
  const file = element("input", { type: "file", name: "file", accept: ".csv,.txt,.tsv,.parquet", onchange: () => take(file.files) });
  const name = element("input", { name: "name", maxlength: 64, required: true, placeholder: "my_prices" });
  const drop = element("div", { class: "drop", ondragover: over, ondragleave: () => drop.classList.remove("over"), ondrop: dropped },
    element("p", {}, "Drop a file here, or"), field("Choose a file", file));
  const button = element("button", { class: "primary" }, "Upload");
  const form = element("form", { onsubmit: (event) => event.preventDefault() || once(button, send) }, drop,
    quiet(FORMATS),
    field("Name", name, "Becomes its id; a new version where there is one."),
    grid(
      field("Quality", select({ name: "quality" }, QUALITIES, "real"), "Results on it repeat it."),
      field("Frequency", element("input", { name: "frequency", maxlength: 40, placeholder: "from the times" }))),
    grid(
      field("Source", element("input", { name: "source", maxlength: 400, placeholder: "where it is from" })),
      field("Licence", element("input", { name: "licence", maxlength: 400, placeholder: "CC BY 4.0" }))),
    grid(
      field("Units", element("input", { name: "units", maxlength: 200, placeholder: "USD per share" })),
      field("Sessions", element("input", { name: "calendar", maxlength: 200, placeholder: "NYSE" }))),
    actions(button), said);

  function over(event) {
    event.preventDefault();
    drop.classList.add("over");
  }

  function dropped(event) {
    event.preventDefault();
    drop.classList.remove("over");
    file.files = event.dataTransfer.files;
    take(event.dataTransfer.files);
  }

  // A name is suggested, and left alone once somebody has written one.
  function take([first]) {
    if (first && (!name.value || name.dataset.suggested === name.value)) {
      name.value = first.name.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 64);
      name.dataset.suggested = name.value;
    }
    lay(said);
  }

  async function send() {
    if (!file.files.length) return lay(said, notice("Choose a file first.", "bad"));
    const bar = element("progress", { max: 1, value: 0, "aria-label": "sent" });
    const words = quiet(`Sending ${size(file.files[0].size)} …`);
    lay(said, bar, words);
    const onProgress = (sent) => {
      bar.value = sent;
      if (sent === 1) words.textContent = "It has arrived and is being read …";
    };
    try {
      const { status, answer } = await upload("/datasets", withoutEmpty(form), { onProgress, signal });
      lay(said, read(answer, status === 201));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      lay(said, refused(error));
    }
  }

  return card("Upload a file", form);
}

// Fields that nobody has filled in are not sent.
function withoutEmpty(form) {
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value === "") data.delete(name);
  return data;
}

function read(answer, isNew) {
  const about = `${answer.dataset_id}@${answer.version}`;
  const calendars = Object.keys(answer.calendars);
  return [
    notice(isNew ? "It was read, and is a new version." : "These data are there already, just so: nothing was changed."),
    facts([
      ["Dataset", element("a", { href: address(`data/${answer.dataset_id}`) }, about)], ["Kind", [`${answer.frequency} ${answer.kind} `, quality(answer.quality)]],
      ["Symbols", answer.symbols.length ? several(answer.symbols) : null], ["Calendars", several(calendars)],
      ["Covers", `${day(answer.start)} to ${day(answer.end)}`], ["Times", number(answer.bars, 0)],
      ["Symbols with holes", answer.gaps.length ? several(answer.gaps.map(({ symbol }) => symbol)) : null],
    ], "lines"),
    answer.warnings.length > 0 && element("h3", {}, "What to know"),
    answer.warnings.length > 0 && element("ul", {}, answer.warnings.map((text) => element("li", {}, text))),
    actions(linkButton(address(`data/${answer.dataset_id}`), "Look at it"),
      answer.kind === "bars" && linkButton(address("new", { dataset: answer.dataset_id }), "Run on it")),
  ];
}

// The server says which cell: row 1 is the header.
function refused({ message, problem }) {
  const { given, allowed, nearest } = problem;
  const cell = given && typeof given === "object" ? Object.entries(given) : given === undefined ? [] : [["given", given]];
  return [
    notice(message, "bad"),
    facts([...cell.map(([name, value]) => [name, told(value)]), ["nearest", nearest], ["allowed", allowed === undefined ? null : told(allowed)]], "lines"),
    quiet("Nothing was kept. Correct the file and send it again."),
  ];
}

function told(value) {
  return Array.isArray(value) ? several(value) : typeof value === "object" ? JSON.stringify(value) : String(value);
}

function size(bytes) {
  return bytes < 1e6 ? `${number(bytes / 1e3, 1)} kB` : `${number(bytes / 1e6, 1)} MB`;
}
