/** The language of manual pages: man(7), as groff and mandoc read it. */

/** What means something else in roff, and how to write it as it looks. A bare `-` would become a hyphen. */
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

/** Text as it is to look. */
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

/** A heading, and what is under it. */
export function heading(text: string, ...lines: readonly string[]): string[] {
  return [`.SH ${text.toUpperCase()}`, ...lines];
}

/** Something, already in roff, and below it, indented, what it is. */
export function entry(term: string, ...lines: readonly string[]): string[] {
  return [".TP", term, ...lines];
}

/** Lines that are further in than those around them; nothing where there are none. */
export function indented(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [".RS", ...lines, ".RE"];
}

/** Lines as they are, in a typewriter's letters. */
export function example(text: string): string[] {
  return [".EX", ...text.trimEnd().split("\n").map(escapeText), ".EE"];
}

/** The text of a page. */
export function page(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
