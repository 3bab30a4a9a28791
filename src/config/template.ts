/**
 * Generates the commented default configuration from the schema. It has every key with its description. Keys with a
 * default have it as their value; keys without one are commented out.
 *
 * Prose starts with `# `, commented keys with a bare `#`, so that removing these leaves a valid file.
 */
import { valueAt } from "./document.ts";
import { configSchema } from "./schema.ts";
import { defaultOf, documentationOf, rangeOf, type Shape, shapeOf } from "./schema-tree.ts";

type Section = Extract<Shape, { kind: "section" }>["keys"];
type Schema = Section[string];

/** Width of prose in columns, without indentation. */
const WIDTH = 100;

const HEADER = `
# The configuration of BTRT, in YAML. It has every key with its description and default. Keys that are
# commented out are not set; most of them show an example. Indent the keys of a section equally, with
# spaces, not tabs. Relative paths start at the directory of this file.
#
# "btrt check" reports the mistakes in this file. A running tracker reads the file again on SIGHUP.
`.trim();

/** The text of the default configuration file. */
export function configTemplate(): string {
  const shape = shapeOf(configSchema);
  const keys = shape.kind === "section" ? Object.entries(shape.keys) : [];
  const blocks = keys.map(([key, schema]) => keyLines(key, schema, key).join("\n"));
  return `${[HEADER, ...blocks].join("\n\n")}\n`;
}

/**
 * The lines of a key, below its description.
 * @param value from an example of the enclosing section, or undefined.
 */
function keyLines(key: string, schema: Schema, dotted: string, value?: unknown): string[] {
  const { description, example } = documentationOf(schema);
  const range = rangeOf(schema);
  const prose = [description, range === undefined ? "" : `(${range.min}\u00a0to\u00a0${range.max})`];
  const lines = valueLines(key, schema, dotted, value ?? example ?? defaultOf(schema));
  const active = value !== undefined || (example === undefined && defaultOf(schema) !== null);
  return [
    ...wrap(prose.filter((part) => part !== "").join(" ")).map((line) => `# ${line}`),
    ...lines.map((line) => (active ? line : `#${line}`)),
  ];
}

function valueLines(key: string, schema: Schema, dotted: string, value: unknown): string[] {
  const shape = shapeOf(schema);
  if (shape.kind === "section") return [`${key}:`, ...indent(sectionLines(shape.keys, dotted, value))];
  const element = shape.kind === "list" ? shapeOf(shape.element) : undefined;
  if (element?.kind !== "section" || !Array.isArray(value)) return [`${key}: ${show(value)}`];
  const [described, ...further] = value;
  const items = [
    sectionLines(element.keys, dotted, described),
    ...further.map((item) => Object.entries(Object(item)).map(([name, part]) => `${name}: ${show(part)}`)),
  ];
  return [`${key}:`, ...indent(items.flatMap(listItem))];
}

function sectionLines(section: Section, dotted: string, value: unknown): string[] {
  return Object.entries(section).flatMap(([key, schema]) =>
    keyLines(key, schema, `${dotted}.${key}`, valueAt(value, [key])),
  );
}

/** Adds the dash of a list before the first key; comments above it stay above the dash. */
function listItem(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => !line.startsWith("#"));
  return lines.map((line, i) => (i < first ? line : `${i === first ? "- " : "  "}${line}`));
}

/** Formats a value in one line: JSON, with spaces. */
function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${show(inner)}`);
  return `{ ${pairs.join(", ")} }`;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** Wraps at spaces, but not at non-breaking ones, which become ordinary spaces. */
function wrap(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= WIDTH) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line) => line.replaceAll("\u00a0", " "));
}
