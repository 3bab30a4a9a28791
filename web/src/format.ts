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

/** Group names that are shown of one priority. */
const NAMES_SHOWN = 2;

/** The name of the peers of one priority: their peer groups, or "outside". */
export function tierName({
  groups,
  outside,
}: {
  readonly groups: readonly string[];
  readonly outside: boolean;
}): string {
  if (outside) return "outside";
  const more = groups.length - NAMES_SHOWN;
  const shown = groups.slice(0, NAMES_SHOWN).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** A moment in the reader's time zone. */
export function moment(time: string | Date): string {
  return new Date(time).toLocaleString(undefined, {
    dateStyle: "medium",
    timeStyle: "medium",
    hourCycle: "h23",
  });
}

/** A duration in its two largest units. */
export function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min ${Math.floor(seconds) % 60} s`;
}
