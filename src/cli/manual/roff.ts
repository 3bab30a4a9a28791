/** Formatting for manual pages: man(7), for groff and mandoc. */

/** Characters with a special meaning in roff, and their escapes. A bare `-` would become a hyphen. */
const SPECIAL: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  '"': "\\(dq",
  "\u00a0": "\\ ",
  "→": "\\(->",
};

/** Escapes text. */
export function escapeText(text: string): string {
  const line = text.replaceAll(/[\\\-'`^~"\u00a0→]/g, (character) => SPECIAL[character]);
  return line.replaceAll(/^\./gm, "\\&.");
}

/** Text in bold. */
export function bold(text: string): string {
  return `\\fB${escapeText(text)}\\fR`;
}

/** The first line of a page. */
export function title(name: string, section: number, version: string, manual: string): string {
  return `.TH ${name.toUpperCase()} ${section} "" "btrt ${escapeText(version)}" "${manual}"`;
}

/** A heading and its lines. */
export function heading(text: string, ...lines: readonly string[]): string[] {
  return [`.SH ${text.toUpperCase()}`, ...lines];
}

/** A term, already in roff, with an indented description. */
export function entry(term: string, ...lines: readonly string[]): string[] {
  return [".TP", term, ...lines];
}

/** Indents lines; returns none for none. */
export function indented(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [".RS", ...lines, ".RE"];
}

/** Preformatted lines. */
export function example(text: string): string[] {
  return [".EX", ...text.trimEnd().split("\n").map(escapeText), ".EE"];
}

/** The complete page. */
export function page(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
