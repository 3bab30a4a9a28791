/** YAML text as a value whose parts know where they were written. */
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

/** Most levels of lists and keys inside each other. What reads them recurses. */
const DEPTH_LIMIT = 64;

/** Most times that an anchored value may be repeated by aliases: 1 KiB of nested ones could be a billion values. */
const ALIAS_LIMIT = 100;

/** A document that was read. */
export interface ConfigDocument {
  /** The value it holds; null when it is empty. */
  readonly value: unknown;
  /** Mistakes that leave a value to check nevertheless: keys that are there twice. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Where the value at a path is written; where it is not, the place of what should hold it. */
  position(path: KeyPath): Position;
  /** Where the last key of a path is written. */
  keyPosition(path: KeyPath): Position;
  /** Whether the document says anything at a path, be it no value. */
  has(path: KeyPath): boolean;
}

/** Reads YAML 1.2 text. Never throws. */
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
    return { problems: [problem(tooDeep, `more than ${DEPTH_LIMIT} levels inside each other`)] };
  }
  const composer = new Composer({ prettyErrors: false });
  const [document, second] = composer.compose(tokens, true, text.length);
  if (second !== undefined) {
    return { problems: [problem(second.range[0], "a second document begins here: only one is expected")] };
  }
  const toProblem = (error: YAMLError) => problem(error.pos[0], explain(error, text));
  const problems = document.errors.slice(0, PROBLEM_LIMIT).map(toProblem);
  if (document.errors.some(({ code }) => code !== "DUPLICATE_KEY")) return { problems };
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIAS_LIMIT });
    return { value, problems, warnings: document.warnings.map(toProblem), ...locator(document, lines) };
  } catch (error) {
    // An alias before its anchor, or too many of them.
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

/** Replaces the part of a value at a path that is there. */
export function setAt(value: unknown, path: KeyPath, part: unknown): void {
  const parent = valueAt(value, path.slice(0, -1));
  if (isKeyed(parent)) parent[path[path.length - 1]] = part;
}

function isKeyed(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
}

/** The offset of the first token that is too deep. Walks without recursion: that is what this check is there for. */
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

/** The key and value nodes of one step down. */
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
