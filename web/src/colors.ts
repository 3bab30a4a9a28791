/** Colors of tiers, near to outside, and of kinds: custom properties of page.css. */

/** @param tiers how many there are; the last is outside. */
export function tierColor(tier: number, tiers: number): string {
  return tier === tiers - 1 ? "--outside" : `--near-${Math.min(tier, 2)}`;
}

/** For what has no order. */
export function kindColor(kind: number): string {
  return `--kind-${kind % 6}`;
}

/** A patch of a color, for legends. */
export function patchClass(color: string): string {
  return `patch patch${color.slice(1)}`;
}
