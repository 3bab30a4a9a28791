/** Text and quantities of a report. */

const PREFIXES = ["", "k", "M", "G", "T", "P", "E"] as const;

/** Text for HTML, also in attributes. */
export function escapeHtml(text: string): string {
  const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (character) => escapes[character]);
}

/** A number with three digits and the prefix of its unit, by thousands. */
export function scaled(value: number, unit: string): string {
  const power = Math.min(PREFIXES.length - 1, Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1) / 3)));
  return `${Number((value / 1000 ** power).toPrecision(3))} ${PREFIXES[power]}${unit}`;
}

/** A share from 0 to 1; a dash for null. */
export function percent(share: number | null): string {
  return share === null ? "–" : `${(100 * share).toFixed(1)} %`;
}

/** A rate in Mbit/s, with a larger unit from 10 Gbit/s on. */
export function megabits(rate: number): string {
  return Math.abs(rate) < 10_000 ? `${Number(rate.toPrecision(3))} Mbit/s` : scaled(rate * 1e6, "bit/s");
}

/** An amount of money, with its currency. */
export function money(amount: number, currency: string): string {
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return `${amount.toLocaleString("en", digits)} ${currency}`;
}

/** A whole number with its thousands apart. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** A month such as `2026-11` in words. */
export function monthName(month: string): string {
  return new Date(`${month}-01T00:00:00Z`).toLocaleDateString("en", {
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  });
}

/** A day or a time as read from ISO 8601, in UTC: `2026-11-30 12:00`. */
export function utc(time: string): string {
  return time.slice(0, 16).replace("T", " ");
}
