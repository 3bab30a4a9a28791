/** Why a source was not read. */

/** Limit of foreign text in a message, in characters. */
const EXCERPT = 80;

/** A source that cannot be read, or whose text is refused. The message is a clause, and safe to print. */
export class SourceError extends Error {}

/** Foreign text for a message: one line, shortened, without control characters and others that change a terminal. */
export function excerpt(text: string): string {
  const printable = text.trim().replace(/[^\x20-\x7e]/g, "?");
  return printable.length <= EXCERPT ? printable : `${printable.slice(0, EXCERPT - 3)}...`;
}
