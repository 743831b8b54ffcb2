import { strings, type ResolvedTheme } from "@emban/core";
import type { DraftConfig } from "../api/types";
import { Icon } from "../ui";
import { words } from "../words";
import { filterName } from "./filters-panel";

/** The head of the dashboard as customers will see it: name, logo, and the filters in their order. */
export function CanvasHead({ config, theme, onFilters }: {
  readonly config: DraftConfig; readonly theme: ResolvedTheme; readonly onFilters: () => void;
}): JSX.Element {
  // As viewers see them: without those that the session fixes, and the period at the edge.
  const shown = (config.filters ?? []).filter(({ value }) => value === undefined);
  const filters = [...shown.filter(({ type }) => type !== "period"), ...shown.filter(({ type }) => type === "period")];
  const frame = { color: theme.text, background: theme.card, borderColor: theme.cardBorder };
  return (
    <div className="canvas-head">
      <div className="row grow">
        {theme.logoUrl && /^(https:\/\/|\/(?!\/))/.test(theme.logoUrl) && <img className="canvas-logo" src={theme.logoUrl} alt="" referrerPolicy="no-referrer" />}
        <span className="canvas-name">{config.name}</span>
      </div>
      <button type="button" className="canvas-filters" title={words.filters.title} onClick={onFilters}>
        <span className="sr">{words.filters.title}: </span>
        {filters.map((filter) =>
          filter.type === "period" ? (
            <span key={filter.id} className="canvas-period" style={frame}>
              {(filter.options ?? ["1h", "24h", "7d", "30d", "90d", "12mo"]).map((period) => (
                <span key={period} style={period === (filter.default ?? "30d") ? { color: theme.primaryText, background: theme.primarySoft }
                  : { color: theme.muted }}>
                  {strings.periodsShort[period] ?? period}
                </span>
              ))}
            </span>
          ) : (
            <span key={filter.id} className="canvas-filter" style={frame}>
              {filterName(filter)}
              <Icon name={filter.type === "date_range" ? "calendar" : "chevron"} size={14} />
            </span>
          ),
        )}
        {filters.length === 0 && (
          <span className="canvas-filter" style={{ ...frame, borderStyle: "dashed", color: theme.muted }}><Icon name="plus" size={14} />{words.filters.add}</span>
        )}
      </button>
    </div>
  );
}
