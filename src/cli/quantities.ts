/** Quantities for people to read, with their units. */

const PREFIXES = ["", "K", "M", "G", "T", "P"] as const;

/** A whole number with thousands separators. */
export function number(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** A share from 0 to 1; null when there is nothing to share. */
export function percent(share: number | null): string {
  return share === null ? "–" : `${(100 * share).toFixed(1)} %`;
}

/** Bytes per second as a bit rate. */
export function bits(bytesPerSecond: number): string {
  return `${bytes(8 * bytesPerSecond)}bit/s`;
}

/** A number with the prefix of its unit, by thousands. */
export function bytes(value: number): string {
  const power = Math.min(PREFIXES.length - 1, Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1) / 3)));
  return `${(value / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${PREFIXES[power]}`;
}

/** A time in its two largest units. */
export function duration(seconds: number): string {
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${Math.floor(seconds) % 60} s`;
}
