/** How much is kept: past it, what was used least recently is forgotten. */
const dimensionLimit = 64;
const valueLimit = 500;

/**
 * Remembers which place of the palette each value of a dimension has, so that a value keeps its colour over periods, filters and
 * widgets. First come, first served; once every place is taken, a newcomer gets one that nobody beside it has, as far as there is one.
 */
export class ColorSlots {
  private readonly dimensions = new Map<string, Map<string, number>>();

  /**
   * The places, 0 … `size` - 1, of the values that one chart shows, in the order in which newcomers are to choose.
   *
   * @param dimension whatever keeps dimensions apart
   */
  claim(dimension: string, values: readonly string[], size: number): ReadonlyMap<string, number> {
    const known = this.dimensions.get(dimension) ?? new Map<string, number>();
    refresh(this.dimensions, dimension, known, dimensionLimit);
    const places = Math.max(1, size);
    const holders = new Array<number>(places).fill(0);
    for (const slot of known.values()) holders[slot % places] = (holders[slot % places] ?? 0) + 1;
    const beside = new Set(values.flatMap((value) => known.get(value) ?? []).map((slot) => slot % places));
    const claimed = new Map<string, number>();
    for (const value of values) {
      let slot = known.get(value);
      if (slot === undefined) {
        const free = holders.map((_count, place) => place).filter((place) => !beside.has(place));
        const choice = free.length > 0 ? free : holders.map((_count, place) => place);
        slot = choice.reduce((best, place) => ((holders[place] ?? 0) < (holders[best] ?? 0) ? place : best));
        holders[slot] = (holders[slot] ?? 0) + 1;
        beside.add(slot);
      }
      claimed.set(value, slot % places);
      refresh(known, value, slot, valueLimit);
    }
    return claimed;
  }
}

/** A map keeps the order of insertion: what was used last stands last. */
function refresh<Value>(map: Map<string, Value>, key: string, value: Value, limit: number): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > limit && !oldest.done) map.delete(oldest.value);
}
