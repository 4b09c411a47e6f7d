// Inputs out of the JSON Schemas that the API itself describes its requests by: a field that is new there is here too.
import { answered } from "./api.js";
import { element, field } from "./dom.js";
import { label as labelled } from "./format.js";

let specification = null;

// The schemas of all requests and answers, by name.
export async function schemas() {
  specification ??= answered("/openapi.json").then(({ text }) => JSON.parse(text)).catch((error) => {
    specification = null; // asked again by the next screen
    throw error;
  });
  return (await specification).components.schemas;
}

// A labelled input for the value at `pointer` of a request, as a JSON Pointer. `data` holds the request.
export function input(pointer, schema, data, { label = labelled(pointer.split("/").at(-1)), hint = schema.description } = {}) {
  const value = at(data, pointer);
  const made = control(schema, value);
  made.dataset.pointer = pointer;
  made.addEventListener("input", () => put(data, pointer, read(made, schema)));
  return field(label, made, hint);
}

function control(schema, value) {
  const kinds = [schema.type].flat();
  const choices = schema.enum ?? schema.anyOf?.find((one) => one.enum)?.enum;
  const given = value ?? "";
  if (choices) {
    const known = choices.filter((one) => one !== null);
    return element("select", {}, element("option", { value: "" }, schema.default ? `default: ${schema.default}` : "default"),
      known.map((one) => element("option", { value: one, selected: one === value }, one)));
  }
  if (kinds.includes("boolean")) return element("input", { type: "checkbox", checked: value ?? schema.default ?? false });
  if (kinds.includes("number") || kinds.includes("integer")) {
    const step = kinds.includes("number") ? "any" : 1;
    return element("input", { type: "number", min: schema.minimum, max: schema.maximum, step, value: given, placeholder: schema.default ?? "none" });
  }
  if (kinds.includes("array")) return element("input", { value: [given].flat().join(", "), placeholder: "separated by commas" });
  return element("input", { type: schema.format === "date" ? "date" : "text", value: given, placeholder: schema.default ?? "" });
}

// Undefined where nothing is said, so that the API's own default holds.
function read(made, schema) {
  const kinds = [schema.type].flat();
  if (made.type === "checkbox") return made.checked === (schema.default ?? false) ? undefined : made.checked;
  if (made.value === "") return undefined;
  if (made.type === "number") return Number(made.value);
  if (kinds.includes("array")) return made.value.split(",").map((text) => text.trim()).filter(Boolean);
  return made.value;
}

function at(data, pointer) {
  return steps(pointer).reduce((inside, name) => inside?.[name], data);
}

// Objects on the way are made, and taken away again when nothing is left in them.
export function put(data, pointer, value) {
  const [name, ...rest] = steps(pointer);
  if (!rest.length) {
    if (value === undefined) delete data[name];
    else data[name] = value;
    return;
  }
  data[name] ??= {};
  put(data[name], `/${rest.join("/")}`, value);
  if (!Array.isArray(data[name]) && !Object.keys(data[name]).length) delete data[name];
}

function steps(pointer) {
  return pointer.split("/").slice(1);
}

// Say beside each input what the API has against it. Returns what belongs to none of them.
export function complain(place, problem) {
  for (const shown of place.querySelectorAll("[aria-invalid]")) shown.removeAttribute("aria-invalid");
  for (const shown of place.querySelectorAll(".hint.bad")) shown.remove();
  if (!problem) return [];
  const said = problem.errors ?? [{ pointer: problem.pointer, message: problem.detail }];
  return said.filter(({ pointer, message }) => {
    const found = inputOf(place, pointer);
    if (!found) return true;
    found.setAttribute("aria-invalid", "true");
    found.after(element("span", { class: "hint bad", role: "alert" }, message));
    return false;
  }).map(({ message }) => message);
}

// The input of the value at `pointer`, or of the nearest value that holds it.
function inputOf(place, pointer) {
  for (let at = pointer; at; at = at.slice(0, at.lastIndexOf("/"))) {
    const found = place.querySelector(`[data-pointer="${CSS.escape(at)}"]`);
    if (found) return found;
  }
  return null;
}
