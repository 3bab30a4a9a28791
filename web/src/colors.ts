/** Colors of tiers, from near to outside, and of kinds: custom properties of page.css. */

/** @param tiers number of tiers; the last is outside. */
export function tierColor(tier: number, tiers: number): string {
  return tier === tiers - 1 ? "--outside" : `--near-${Math.min(tier, 2)}`;
}

/** A color for categories without an order. */
export function kindColor(kind: number): string {
  return `--kind-${kind % 6}`;
}

/** The class of a color sample in a legend. */
export function patchClass(color: string): string {
  return `patch patch${color.slice(1)}`;
}
