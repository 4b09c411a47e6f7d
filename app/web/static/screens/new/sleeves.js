// The strategies of a portfolio, each with its own data and parameters.
import { actions, card, element, field, folded, grid, lay } from "../../core/dom.js";
import { input } from "../../core/schema.js";
import { picker as dataPicker } from "./data.js";
import { parameters, picker as strategyPicker } from "./strategy.js";

export function sleeves({ body, strategies, datasets, described, changed, rebuild }) {
  body.strategies ??= [{ strategy_id: body.strategy_id ?? strategies[0].strategy_id }];
  const add = () => {
    body.strategies.push({ strategy_id: body.strategies.at(-1).strategy_id });
    rebuild();
  };
  return card("Strategies",
    element("div", { class: "columns", "data-pointer": "/strategies" }, body.strategies.map((_, at) => sleeve(at))),
    actions(element("button", { type: "button", onclick: add }, "Add a strategy")));

  function sleeve(at) {
    const one = body.strategies[at];
    const { name, weight, symbols } = described.Sleeve.properties;
    const legend = element("legend");
    const below = element("div");
    const show = () => {
      const chosen = strategies.find(({ strategy_id: id }) => id === one.strategy_id);
      legend.textContent = one.name ?? one.strategy_id;
      lay(below, grid(
        input(`/strategies/${at}/name`, name, body), input(`/strategies/${at}/weight`, weight, body), input(`/strategies/${at}/symbols`, symbols, body)),
      chosen && folded("Parameters", parameters(chosen, body, `/strategies/${at}`)));
    };
    const change = (changes) => {
      Object.assign(one, changes);
      for (const key of Object.keys(one)) if (one[key] === undefined) delete one[key];
      show();
      changed();
    };
    show();
    return element("fieldset", {}, legend,
      field("Strategy", strategyPicker(strategies, one.strategy_id, (id) => change({ strategy_id: id, params: undefined, symbols: undefined }))),
      field("Dataset", dataPicker(datasets, one.dataset, (id) => change({ dataset: id || undefined, symbols: undefined }), `/strategies/${at}/dataset`)),
      below,
      body.strategies.length > 1 && element("button", {
        type: "button", class: "link", onclick: () => {
          body.strategies.splice(at, 1);
          rebuild();
        },
      }, "Remove"));
  }
}
