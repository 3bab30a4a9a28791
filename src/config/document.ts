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
  type YAMLError,
} from "yaml";
import { type KeyPath, type Position, PROBLEM_LIMIT, type Problem } from "./problem.ts";

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
  const composer = new Composer({ prettyErrors: false });
  const [document, second] = composer.compose(tokens, true, text.length);
  if (second !== undefined) {
    return { problems: [problem(second.range[0], "a second document starts here: only one is expected")] };
  }
  const toProblem = (error: YAMLError) => problem(error.pos[0], explain(error, text));
  const problems = document.errors.slice(0, PROBLEM_LIMIT).map(toProblem);
  if (document.errors.some(({ code }) => code !== "DUPLICATE_KEY")) return { problems };
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIAS_LIMIT });
    return { value, problems, warnings: document.warnings.map(toProblem), ...locator(document, lines) };
  } catch (error) {
    // An alias before its anchor, or too many aliases.
    return { problems: [problem(0, error instanceof Error ? error.message : String(error))] };
  }
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

function explain({ code, message, pos }: YAMLError, text: string): string {
  if (code === "DUPLICATE_KEY") {
    const [key] = /^[^\s:,}]+/.exec(text.slice(pos[0], pos[0] + 60)) ?? ["this key"];
    return `${key} is set twice`;
  }
  if (code === "TAB_AS_INDENT") return "indented with a tab: use spaces";
  return message.charAt(0).toLowerCase() + message.slice(1);
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
