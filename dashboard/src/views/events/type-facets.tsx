import classes from "./events.module.css";

export interface TypeFacetsProps {
  /** By `layer/type`. */
  readonly counts: ReadonlyMap<string, number>;
  readonly selected: readonly string[];
  readonly onSelect: (types: readonly string[]) => void;
}

/** How many events there are of each type, to choose from. None chosen is all. */
export function TypeFacets({ counts, selected, onSelect }: TypeFacetsProps) {
  const layers = new Map<string, { type: string; count: number }[]>();
  for (const type of new Set([...counts.keys(), ...selected])) {
    const layer = type.slice(0, type.indexOf("/"));
    const ofLayer = layers.get(layer) ?? [];
    ofLayer.push({ type, count: counts.get(type) ?? 0 });
    layers.set(layer, ofLayer);
  }
  const toggle = (types: readonly string[], isOn: boolean) =>
    onSelect([...selected.filter((type) => !types.includes(type)), ...(isOn ? types : [])]);
  return (
    <fieldset className={classes["facets"]}>
      <legend className={classes["unseen"]}>Types of events</legend>
      {[...layers].sort(byName).map(([layer, types]) => {
        const all = types.map(({ type }) => type);
        const chosen = all.filter((type) => selected.includes(type)).length;
        return (
          <div key={layer} className={classes["layer"]}>
            <label className={classes["layerName"]}>
              <input
                type="checkbox"
                checked={chosen === all.length}
                ref={(box) => {
                  if (box !== null) box.indeterminate = chosen > 0 && chosen < all.length;
                }}
                onChange={(change) => toggle(all, change.currentTarget.checked)}
              />
              <span className={classes["facet"]}>{layer}</span>
            </label>
            {types
              .sort((a, b) => (a.type < b.type ? -1 : 1))
              .map(({ type, count }) => (
                <label key={type} className={classes["type"]}>
                  <input
                    type="checkbox"
                    checked={selected.includes(type)}
                    onChange={(change) => toggle([type], change.currentTarget.checked)}
                  />
                  <span className={classes["facet"]}>{type.slice(layer.length + 1)}</span>
                  <span className={classes["count"]}>{count.toLocaleString("en")}</span>
                </label>
              ))}
          </div>
        );
      })}
    </fieldset>
  );
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
