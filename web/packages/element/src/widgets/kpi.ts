import { kpiModel, progressModel, strings, type QueryResult, type QueryWidget } from "@emban/core";
import type { ViewContext } from "../context";
import { h, replace } from "../dom";
import type { WidgetFace } from "./face";
import { deltaBadge } from "./value";

export class StatFace implements WidgetFace {
  readonly element = h("div", { class: "kpi" });

  constructor(private readonly widget: QueryWidget) {}

  show(result: QueryResult, context: ViewContext): void {
    const model = kpiModel(this.widget, result, context);
    const compares = this.widget.query.compare !== undefined;
    replace(
      this.element,
      h("div", { class: "kpi-value", attrs: { title: model.fullText === model.text ? null : model.fullText } }, model.text),
      model.delta
        ? h("div", { class: "kpi-note" }, deltaBadge(model.delta), h("span", {}, strings.comparedTo(model.delta.previousText)))
        : compares && h("div", { class: "kpi-note" }, h("span", {}, strings.noComparison)),
    );
  }
}

export class ProgressFace implements WidgetFace {
  readonly element = h("div", { class: "kpi" });

  constructor(private readonly widget: QueryWidget) {}

  show(result: QueryResult, context: ViewContext): void {
    const model = progressModel(this.widget, result, context);
    const value = h("div", { class: "kpi-value", attrs: { title: model.fullText === model.text ? null : model.fullText } }, model.text);
    if (model.target === null || model.ratio === null) {
      replace(this.element, value);
      return;
    }
    replace(
      this.element,
      h("div", { class: "kpi-line" }, value, h("div", { class: "kpi-of", attrs: { title: model.targetText } }, model.targetText)),
      h(
        "div",
        {
          class: `progress ${model.level}`,
          attrs: {
            role: "progressbar",
            "aria-label": this.widget.title,
            "aria-valuemin": 0,
            "aria-valuemax": 100,
            "aria-valuenow": Math.round(Math.min(1, model.ratio) * 100),
            "aria-valuetext": `${model.percentText} ${model.targetText}`,
          },
          vars: { "--ratio": String(Math.min(1, Math.max(0, model.ratio))) },
        },
        h("div", { class: "progress-bar" }),
      ),
      h("div", { class: "kpi-note" }, h("strong", {}, model.percentText), h("span", {}, model.restText)),
    );
  }
}
