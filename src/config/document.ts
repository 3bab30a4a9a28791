/** Parses YAML and keeps the position of every value. */
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Parser,
  visit,
} from "yaml";
import { formatKeyPath, type KeyPath, type Position, PROBLEM_LIMIT, type Problem } from "./problem.ts";
import { explainYamlError, type TextMistake } from "./yaml-messages.ts";

/** Limit of nested lists and keys, as the code that reads them is recursive. */
const DEPTH_LIMIT = 64;

/** Limit of alias expansions: 1 KiB of nested aliases could expand to a billion values. */
const ALIAS_LIMIT = 100;

/** A parsed document. */
export interface ConfigDocument {
  /** Its value; null if it is empty. */
  readonly value: unknown;
  /** Problems that still leave a value to check: duplicate keys. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Position of the value at a path; if it is missing, of the part that should contain it. */
  position(path: KeyPath): Position;
  /** Position of the last key of a path. */
  keyPosition(path: KeyPath): Position;
  /** Whether the document has the path, even without a value. */
  has(path: KeyPath): boolean;
}

/** Parses YAML 1.2. Never throws. */
export function parseDocument(
  text: string,
  file: string,
): ConfigDocument | { readonly problems: readonly Problem[] } {
  const lines = new LineCounter();
  const problem = (offset: number, message: string): Problem => ({
    file,
    ...positionAt(lines, offset),
    key: "",
    message,
  });
  const tokens = Array.from(new Parser(lines.addNewLine).parse(text));
  const tooDeep = firstDeeperThan(tokens, DEPTH_LIMIT);
  if (tooDeep !== undefined) {
    return { problems: [problem(tooDeep, `more than ${DEPTH_LIMIT} nested levels`)] };
  }
  const composer = new Composer({ prettyErrors: false, uniqueKeys: false, logLevel: "error" });
  const [document, second] = composer.compose(tokens, true, text.length);
  if (second !== undefined) {
    return { problems: [problem(second.range[0], "a second document starts here: only one is expected")] };
  }
  const toProblem = ({ offset, message }: TextMistake) => problem(offset, message);
  // The first syntax error causes most of the following ones.
  const [error] = document.errors;
  if (error !== undefined) return { problems: [toProblem(explainYamlError(error, text))] };
  const alias = firstUnknownAlias(document);
  if (alias !== undefined) return { problems: [toProblem(alias)] };
  const warnings = document.warnings.map((warning) => toProblem(explainYamlError(warning, text)));
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIAS_LIMIT });
    const problems = duplicateKeys(document.contents, lines, file).slice(0, PROBLEM_LIMIT);
    return { value, problems, warnings, ...locator(document, lines) };
  } catch (error) {
    // Too many aliases.
    return { problems: [problem(0, error instanceof Error ? error.message : String(error))] };
  }
}

function firstUnknownAlias(document: Document): TextMistake | undefined {
  let found: TextMistake | undefined;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      const name = alias.source;
      const isAddress = /^:\d+$/.test(name);
      found = {
        offset: alias.range?.[0] ?? 0,
        message: isAddress
          ? `"*${name}" is not an address: write "[::]${name}"`
          : `*${name} is an alias, and no value has the anchor &${name}: put the value in quotes if no alias is meant`,
      };
      return visit.BREAK;
    },
  });
  return found;
}

/** Problems of the keys that a section has more than once. The last value counts, so that it can be checked, too. */
function duplicateKeys(node: unknown, lines: LineCounter, file: string, path: KeyPath = []): Problem[] {
  if (isSeq(node)) return node.items.flatMap((item, i) => duplicateKeys(item, lines, file, [...path, i]));
  if (!isMap(node)) return [];
  const first = new Map<string, Position>();
  return node.items.flatMap(({ key, value }) => {
    if (!isScalar(key)) return [];
    const name = String(key.value);
    const place = positionAt(lines, key.range?.[0] ?? 0);
    const whole = [...path, name];
    const before = first.get(name);
    if (before === undefined) first.set(name, place);
    const message = `is set twice, here and in line ${before?.line}: keep one`;
    const own = before === undefined ? [] : [{ file, ...place, key: formatKeyPath(whole), message }];
    return [...own, ...duplicateKeys(value, lines, file, whole)];
  });
}

/** The part of a value at a path, or undefined. */
export function valueAt(value: unknown, path: KeyPath): unknown {
  let part = value;
  for (const step of path) {
    if (!isKeyed(part) || !Object.hasOwn(part, step)) return undefined;
    part = part[step];
  }
  return part;
}

/** Replaces an existing part of a value. */
export function setAt(value: unknown, path: KeyPath, part: unknown): void {
  const parent = valueAt(value, path.slice(0, -1));
  if (isKeyed(parent)) parent[path[path.length - 1]] = part;
}

function isKeyed(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
}

/** The offset of the first token that is nested too deeply. Not recursive, as the depth is not limited yet. */
function firstDeeperThan(tokens: readonly CST.Token[], limit: number): number | undefined {
  const rest = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const { token, depth } = next;
    if (depth > limit) return "offset" in token ? token.offset : 0;
    const inner = token.type === "document" ? [token] : "items" in token ? token.items : [];
    for (const part of inner) {
      for (const child of ["key" in part ? part.key : null, part.value]) {
        if (child) rest.push({ token: child, depth: depth + 1 });
      }
    }
  }
  return undefined;
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function locator(document: Document.Parsed, lines: LineCounter) {
  const find = (path: KeyPath) => {
    let found: { key: Node | null; value: Node | null } = { key: null, value: document.contents };
    let depth = 0;
    for (; depth < path.length; depth++) {
      const next = childOf(found.value, path[depth], document);
      if (next === undefined) break;
      found = next;
    }
    return { ...found, whole: depth === path.length };
  };
  const place = (node: Node | null) => positionAt(lines, node?.range?.[0] ?? 0);
  return {
    position: (path: KeyPath) => {
      const { key, value, whole } = find(path);
      const empty = isScalar(value) && value.value === null;
      return place(key !== null && (empty || !whole) ? key : value);
    },
    keyPosition: (path: KeyPath) => {
      const { key, value } = find(path);
      return place(key ?? value);
    },
    has: (path: KeyPath) => find(path).whole,
  };
}

/** The key and value nodes of a child. */
function childOf(
  parent: Node | null,
  step: string | number,
  document: Document,
): { key: Node | null; value: Node | null } | undefined {
  const node = isAlias(parent) ? (parent.resolve(document) ?? null) : parent;
  if (isMap<Node, Node | null>(node)) {
    const pair = node.items.findLast(({ key }) => isScalar(key) && String(key.value) === String(step));
    return pair && { key: pair.key, value: pair.value };
  }
  if (isSeq<Node>(node) && typeof step === "number" && step < node.items.length) {
    return { key: null, value: node.items[step] };
  }
  return undefined;
}
