/** Validates a document by the schema, and reports position and suggestion for every problem. */
import type { z } from "zod";
import { type ConfigDocument, valueAt } from "./document.ts";
import { prefix } from "./fields.ts";
import { formatKeyPath, type KeyPath, type Problem } from "./problem.ts";
import { readPrefix } from "./read-prefix.ts";
import { type Config, configSchema } from "./schema.ts";
import { dottedKeys, schemaAt, shapeOf, visitValues, wraps } from "./schema-tree.ts";
import { didYouMean } from "./suggest.ts";

/** The result of validation. */
export interface Validation {
  /** Undefined if there are problems. */
  readonly config: Config | undefined;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Validates a document. Never throws. */
export function validate(document: ConfigDocument, file: string): Validation {
  const result = configSchema.safeParse(document.value ?? {});
  const problems = result.error?.issues.flatMap((issue) => toProblems(issue, document, file)) ?? [];
  return { config: result.data, problems: distinct(problems), warnings: hostBitWarnings(document, file) };
}

function toProblems(issue: z.core.$ZodIssue, document: ConfigDocument, file: string): Problem[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const whole = [...path, key];
      const message =
        key === "<<" ? MERGE_KEY : (ABSENT_KEYS[whole.join(".")] ?? `unknown key${suggestKey(path, key)}`);
      return { file, ...document.keyPosition(whole), key: formatKeyPath(whole), message };
    });
  }
  const guilty = guiltyPath(issue, path, document);
  const input = valueAt(document.value, path);
  const suggestion = typeof input === "string" ? didYouMean(input, allowedWords(issue)) : "";
  return [
    { file, ...document.position(guilty), key: formatKeyPath(path), message: issue.message + suggestion },
  ];
}

/** The path to report: of several keys in conflict, the first that the file sets. */
function guiltyPath(issue: z.core.$ZodIssue, path: KeyPath, document: ConfigDocument): KeyPath {
  const names: unknown = issue.code === "custom" ? issue.params?.names : undefined;
  if (!Array.isArray(names)) return path;
  const paths = names.map((name) => [...path.slice(0, -1), String(name)]);
  return paths.find((candidate) => document.has(candidate)) ?? path;
}

/** The words that are allowed. */
function allowedWords(issue: z.core.$ZodIssue): string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  if (issue.code === "invalid_union") return issue.errors.flat().flatMap(allowedWords);
  return [];
}

const NO_TLS =
  'unknown key: the tracker answers clients without TLS. A proxy in front of it can decrypt: "Over TLS" in ' +
  "docs/placing.md has the configuration of HAProxy";

/** Keys that operators expect, with what to do instead. */
const ABSENT_KEYS: Readonly<Record<string, string>> = {
  "listen.https": NO_TLS,
  "listen.tls": NO_TLS,
  "listen.cert": NO_TLS,
};

const MERGE_KEY = "merge keys are not supported: write the merged keys here";

/** Names that other programs have for our keys. */
const SYNONYMS: Readonly<Record<string, string>> = {
  cidr: "cidr_list",
  cidrs: "cidr_list",
  log: "logging",
  networks: "cidr_list",
  prefixes: "cidr_list",
  tcp: "http",
  token: "token_file",
  url: "announce_request",
};

function suggestKey(path: KeyPath, key: string): string {
  const section = schemaAt(configSchema, path);
  const shape = section && shapeOf(section);
  const known = shape?.kind === "section" ? Object.keys(shape.keys) : [];
  const [sectionName, ...inner] = key.split(".");
  if (inner.length > 0 && dottedKeys(configSchema).includes(formatKeyPath([...path, ...key.split(".")])))
    return `; write the key ${inner.join(".")} in a section ${sectionName}`;
  const synonym = SYNONYMS[key];
  const near = known.includes(synonym) ? `; did you mean "${synonym}"?` : didYouMean(key, known);
  if (near !== "") return near;
  const elsewhere = dottedKeys(configSchema).find((dotted) => dotted.split(".").at(-1) === key);
  return elsewhere === undefined ? `; known here: ${known.join(", ")}` : `; did you mean "${elsewhere}"?`;
}

function hostBitWarnings(document: ConfigDocument, file: string): Problem[] {
  const warnings: Problem[] = [];
  visitValues(configSchema, document.value, (schema, value, path) => {
    if (typeof value !== "string" || !wraps(schema, prefix)) return;
    const message = readPrefix(value).warning;
    if (message === undefined) return;
    warnings.push({ file, ...document.position(path), key: formatKeyPath(path), message });
  });
  return warnings;
}

/** Removes duplicates: a number that breaks two rules has the same message twice. */
function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ key, message }) => {
    const text = `${key}: ${message}`;
    return !seen.has(text) && seen.add(text);
  });
}
