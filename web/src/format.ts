/** Formats numbers for people. */

const UNITS = ["", "k", "M", "G", "T", "P"] as const;

/** A whole number with thousands separators. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** A share from 0 to 1 as a percentage; a dash for null. */
export function percent(share: number | null): string {
  return share === null ? "–" : `${(100 * share).toFixed(1)} %`;
}

/** A number with three significant digits and a unit prefix. */
export function scaled(value: number, unit: string): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1) / 3)));
  return `${Number((value / 1000 ** power).toPrecision(3))} ${UNITS[power]}${unit}`;
}

/** Bytes per second as bits per second. */
export function bitRate(bytesPerSecond: number): string {
  return scaled(8 * bytesPerSecond, "bit/s");
}

/** The name of a tier. */
export function tierName({ tier, outside }: { readonly tier: number; readonly outside: boolean }): string {
  return outside ? "outside" : `tier ${tier}`;
}
