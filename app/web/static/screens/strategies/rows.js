// The parameters of an expression strategy, a row each.
import { actions, element, field, group, lay, select } from "../../core/dom.js";

export function parameterRows(changed) {
  const list = element("div");
  const add = element("button", { type: "button", onclick: () => append("", { type: "int" }).querySelector("input").focus() }, "Add a parameter");
  const fieldset = group("Parameters", list, actions(add));

  function append(name, about) {
    const part = (label, key, attributes = {}) => field(label, element("input", { "data-key": key, value: about[key] ?? "", ...attributes }));
    const bound = { type: "number", step: "any" };
    const made = element("div", { class: "grid", "data-row": true },
      part("Name", "name", { value: name, pattern: "[a-z_][a-z0-9_]*" }),
      field("Type", select({ "data-key": "type" }, [["int", "whole number"], ["float", "number"]], about.type)),
      part("Least", "min", bound), part("Most", "max", bound), part("Default", "default", bound), part("What it is", "doc", { maxlength: 200 }),
      element("button", { type: "button", onclick: () => { made.remove(); changed(); } }, "Remove"));
    list.append(made);
    return made;
  }

  const of = (row, key) => row.querySelector(`[data-key=${key}]`);

  return {
    fieldset,
    fill: (params) => {
      lay(list);
      for (const [name, about] of Object.entries(params)) append(name, about);
    },
    // Rows without a name are not there yet; figures that are not filled in are left out.
    read: () => Object.fromEntries([...list.children].filter((row) => of(row, "name").value).map((row) => {
      const figures = ["min", "max", "default"].filter((key) => of(row, key).value !== "").map((key) => [key, Number(of(row, key).value)]);
      const doc = of(row, "doc").value;
      return [of(row, "name").value, { type: of(row, "type").value, ...Object.fromEntries(figures), ...(doc && { doc }) }];
    })),
    // The input that a pointer such as /params/fast/min is about.
    input: (pointer) => {
      const [, first, name, key = "name"] = pointer.split("/");
      const row = first === "params" && [...list.children].find((made) => of(made, "name").value === name);
      return row ? of(row, key) ?? of(row, "name") : null;
    },
  };
}
