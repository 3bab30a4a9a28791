/** Numbers for people. */

const UNITS = ["", "k", "M", "G", "T", "P"] as const;

/** A whole number, with thousands apart. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** A share of 0 to 1, or null for none. */
export function percent(share: number | null): string {
  return share === null ? "–" : `${(100 * share).toFixed(1)} %`;
}

/** A number of three digits, with the prefix of its unit. */
export function scaled(value: number, unit: string): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1) / 3)));
  return `${Number((value / 1000 ** power).toPrecision(3))} ${UNITS[power]}${unit}`;
}

/** Bytes a second as bits a second. */
export function bitRate(bytesPerSecond: number): string {
  return scaled(8 * bytesPerSecond, "bit/s");
}

/** What a tier is called. */
export function tierName({ tier, outside }: { readonly tier: number; readonly outside: boolean }): string {
  return outside ? "outside" : `tier ${tier}`;
}
