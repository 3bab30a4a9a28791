/** Generates the manual page btrt.conf(5) from the schema of the configuration. */
import { configSchema } from "../../config/schema.ts";
import { defaultOf, documentationOf, rangeOf, shapeOf } from "../../config/schema-tree.ts";
import { VERSION } from "../../platform/version.ts";
import { bold, entry, escapeText, example, heading, indented, page, title } from "./roff.ts";

type Schema = Parameters<typeof shapeOf>[0];

const EXAMPLE = `peer_groups:
  - name: "local peers"
    priority: 0
    cidr_list: ["192.0.2.0/24", "2001:db8::/32"]
  - name: "partner peers"
    priority: 1
    cidr_list: ["198.51.100.0/24"]
`;

const DESCRIPTION =
  "The configuration of btrt(8), in YAML. Every key has a default, so a configuration contains only the keys that differ. " +
  "The keys of a section are indented equally, with spaces, not tabs. Relative paths start at the directory of the file. " +
  '"btrt check" reports the mistakes in a configuration. "btrt init" writes a first one.';

/** The page in roff. */
export function configPage(): string {
  return page([
    title("btrt.conf", 5, VERSION, "File Formats"),
    ...heading("name", "btrt.conf \\- configuration of the BitTorrent tracker btrt"),
    ...heading("description", escapeText(DESCRIPTION)),
    ...heading("keys", ...describeKeys(configSchema, "")),
    ...heading("example", ...example(EXAMPLE)),
    ...heading("files", ...entry(bold("/etc/btrt/btrt.conf"), "The default path of the configuration.")),
    ...heading("see also", `${bold("btrt")}(8)`),
  ]);
}

/** The keys of a section, or of the elements of a list; none for a value. */
function describeKeys(schema: Schema, parent: string): string[] {
  const shape = shapeOf(schema);
  if (shape.kind === "value") return [];
  if (shape.kind === "list") return describeKeys(shape.element, `${parent}[].`);
  return Object.entries(shape.keys).flatMap(([key, inner]) => {
    const dotted = `${parent}${key}`;
    const below = describeKeys(inner, shapeOf(inner).kind === "section" ? `${dotted}.` : dotted);
    return [...entry(bold(dotted), escapeText(prose(inner))), ...indented(below)];
  });
}

/** The description, range, default and example of a key. */
function prose(schema: Schema): string {
  const { description, example } = documentationOf(schema);
  const range = rangeOf(schema);
  const value = defaultOf(schema);
  const isPlain = shapeOf(schema).kind !== "section" && value !== undefined && value !== null;
  const parts = [
    description,
    range === undefined ? "" : `From ${range.min} to ${range.max}.`,
    isPlain && !isEmptyList(value) ? `Default: ${JSON.stringify(value)}.` : "",
    example === undefined || shapeOf(schema).kind !== "value" ? "" : `Example: ${JSON.stringify(example)}.`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
