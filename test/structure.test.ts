/**
 * Enforces the structure that ARCHITECTURE.md describes. Each rule has an example that violates it, so that a rule that
 * no longer detects anything fails, too.
 */
import assert from "node:assert/strict";
import { posix } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { MANY_PARAMETERS } from "./many-parameters.ts";
import { DATA_PLANE, MAY_IMPORT } from "./may-import.ts";
import { assertNone, at, lineOf, parse, readSources, type Source } from "./sources.ts";

const sources = readSources();

interface Rule {
  readonly name: string;
  /** The places that violate the rule, as `path:line: what`. */
  check(source: Source): string[];
  /** Code that violates the rule once. */
  readonly example: { readonly path: string; readonly text: string };
}

/** These decide nothing by themselves: no packages, no Node, no logs; clock and randomness are passed in. */
const PURE = DATA_PLANE;
const IMPURE_GLOBALS = ["console", "process", "Date", "performance", "setTimeout", "setInterval", "fetch"];

/** Packages that a unit test must not reach: they start processes, threads and servers, or talk to some. */
const OUTSIDE = [
  ...["child_process", "cluster", "dgram", "http", "http2", "https", "net", "tls", "worker_threads"].map(
    (name) => `node:${name}`,
  ),
  ...["koffi", "mysql2", "nodemailer", "playwright-core", "undici", "vite"],
];
/** What these packages have that does none of it. */
const HARMLESS = ["isIP", "isIPv4", "isIPv6", "MessageChannel", "receiveMessageOnPort"];

/** Loading these starts the program or a worker. Types that others need are in files of their own (protocol.ts). */
const SCRIPTS = ["src/main.ts", "src/data-plane/worker.ts"];

const FILE_LINES = 400;
const FUNCTION_LINES = 70;
const PARAMETERS = 5;
/** The C library's functions have the parameters that they have. */
const SYSTEM_CALLS = "src/engine/uring/libc.ts";
const VAGUE_NAMES = ["util", "utils", "helper", "helpers", "common", "manager"];

const RULES: readonly Rule[] = [
  {
    name: "imports go one way",
    check(source) {
      const own = partOf(source.path);
      if (own === undefined || source.isTest) return [];
      if (!(own in MAY_IMPORT)) {
        return own.endsWith(".ts") ? [] : [at(source, 0, `src/${own} is not in the table of this test`)];
      }
      return importsOf(source)
        .filter(({ target }) => target !== undefined)
        .filter(
          ({ target }) => ![own, ...MAY_IMPORT[own]].some((part) => isIn(posix.join("src", part), target!)),
        )
        .map(({ target, pos }) => at(source, pos, `${own} may not import ${target}`));
    },
    example: { path: "src/model/a.ts", text: 'import type { B } from "../wire/b.ts";' },
  },
  {
    name: "the data plane's parts import only relative files",
    check(source) {
      if (!isPure(source)) return [];
      return importsOf(source)
        .filter(({ target }) => target === undefined)
        .map(({ name, pos }) => at(source, pos, `${partOf(source.path)} may not import ${name}`));
    },
    example: { path: "src/tracker/a.ts", text: 'import { readFileSync } from "node:fs";' },
  },
  {
    name: "the data plane's parts take clock and randomness from outside, and never log",
    check(source) {
      if (!isPure(source)) return [];
      return find(source, (node) => {
        if (ts.isPropertyAccessExpression(node)) return node.getText(source.file) === "Math.random";
        return ts.isIdentifier(node) && IMPURE_GLOBALS.includes(node.text) && isReference(node);
      });
    },
    example: { path: "src/wire/a.ts", text: "const now = Date.now();" },
  },
  {
    name: `a file has at most ${FILE_LINES} lines`,
    check(source) {
      const lines = source.file.text.trimEnd().split("\n").length;
      return lines > FILE_LINES ? [at(source, 0, `${lines} lines`)] : [];
    },
    example: { path: "src/model/a.ts", text: "\n".repeat(FILE_LINES).concat("let a;") },
  },
  {
    name: `a function has at most ${FUNCTION_LINES} lines`,
    check(source) {
      if (source.isTest) return [];
      return find(source, (node) => {
        if (!ts.isFunctionLike(node)) return false;
        return lineOf(source, node.end) - lineOf(source, node.getStart(source.file)) >= FUNCTION_LINES;
      });
    },
    example: { path: "src/model/a.ts", text: `function a() {${"\n".repeat(FUNCTION_LINES)}}` },
  },
  {
    name: `a function has at most ${PARAMETERS} parameters`,
    check(source) {
      const { path, file } = source;
      if (source.isTest || partOf(path) === undefined || path === SYSTEM_CALLS) return [];
      const allowed = MANY_PARAMETERS[path] ?? [];
      const used = new Set<string>();
      const found = find(source, (node) => {
        if (!ts.isFunctionLike(node) || node.parameters.length <= PARAMETERS) return false;
        const name = node.name?.getText(file) ?? "";
        used.add(name);
        return !allowed.includes(name);
      });
      const needless = allowed.filter((name) => !used.has(name));
      return [
        ...found,
        ...needless.map((name) => at(source, 0, `${name} needs no exception from this rule`)),
      ];
    },
    example: { path: "src/admin/a.ts", text: "function a(b: 1, c: 1, d: 1, e: 1, f: 1, g: 1) {}" },
  },
  {
    name: "every export has a doc comment, or stands right below one that has",
    check(source) {
      if (source.isTest) return [];
      const { statements, text } = source.file;
      const documented = (i: number): boolean => {
        const comments = ts.getLeadingCommentRanges(text, statements[i].pos) ?? [];
        if (comments.some(({ pos }) => text.startsWith("/**", pos))) return true;
        const start = statements[i].getStart(source.file);
        return (
          i > 0 && lineOf(source, statements[i - 1].end) + 1 === lineOf(source, start) && documented(i - 1)
        );
      };
      return statements
        .filter((statement, i) => isExported(statement) && !documented(i))
        .map((statement) => at(source, statement.getStart(source.file), firstLine(statement, source)));
    },
    example: { path: "src/model/a.ts", text: "/** A. */\nexport const a = 1;\n\nexport const b = 2;" },
  },
  {
    name: "no any, no cast by way of unknown",
    check(source) {
      return find(source, (node) => {
        if (node.kind === ts.SyntaxKind.AnyKeyword) return true;
        return ts.isAsExpression(node) && isCastToUnknown(node.expression);
      });
    },
    example: { path: "test/a.ts", text: "const a = b as unknown as C;" },
  },
  {
    name: "no file imports a script that runs when it is loaded",
    check(source) {
      return importsOf(source)
        .filter(({ target }) => SCRIPTS.includes(target ?? "") && !source.path.startsWith("test/"))
        .map(({ target, pos }) => at(source, pos, `${target} runs when it is loaded`));
    },
    example: {
      path: "src/control-plane/a.ts",
      text: 'import type { B } from "../data-plane/worker.ts";',
    },
  },
  {
    name: "only src/main.ts ends the process",
    check(source) {
      if (source.path === "src/main.ts" || partOf(source.path) === undefined) return [];
      return find(
        source,
        (node) => ts.isPropertyAccessExpression(node) && node.getText(source.file) === "process.exit",
      );
    },
    example: { path: "src/cli/a.ts", text: "process.exit(1);" },
  },
  {
    name: "names of files and folders say what is in them",
    check(source) {
      return source.path
        .split(/[/.-]/)
        .filter((word) => VAGUE_NAMES.includes(word))
        .map((word) => at(source, 0, `"${word}" says nothing`));
    },
    example: { path: "src/wire/byte-utils.ts", text: "" },
  },
];

for (const rule of RULES) {
  test(rule.name, () => {
    const example = parse(rule.example.path, rule.example.text);
    assert.equal(rule.check(example).length, 1, "the rule sees its example");
    assertNone(sources.flatMap((source) => rule.check(source)));
  });
}

test("no file imports itself by way of others", () => {
  const a = parse("src/model/a.ts", 'import "./b.ts";');
  const b = parse("src/model/b.ts", 'import "./a.ts";');
  assert.equal(cycles([a, b]).length, 1, "the rule sees its example");
  assertNone(cycles(sources));
});

test("a unit test reaches no server, thread, process or engine", () => {
  const place = "src/model/a.test.ts";
  const direct = parse(place, 'import { Worker } from "node:worker_threads";');
  const indirect = [
    parse(place, 'import { b } from "./b.ts";'),
    parse("src/model/b.ts", 'import { createServer } from "node:net";'),
  ];
  assert.equal(outsideOfUnits([direct]).length, 1, "the rule sees its example");
  assert.equal(outsideOfUnits(indirect).length, 1, "the rule sees what is imported by way of others");
  assertNone(outsideOfUnits(sources));
});

/** Tests that `npm run unit` runs, and that reach one of OUTSIDE: their names should end in .integration.test.ts. */
function outsideOfUnits(sources: readonly Source[]): string[] {
  const imports = new Map(sources.map((source) => [source.path, loadedBy(source)]));
  const wayOutside = (path: string, seen: Set<string>): string[] | undefined => {
    for (const target of imports.get(path) ?? []) {
      if (OUTSIDE.includes(target)) return [target];
      if (seen.has(target)) continue;
      const way = wayOutside(target, seen.add(target));
      if (way !== undefined) return [target, ...way];
    }
    return undefined;
  };
  return [...imports.keys()].filter(isUnitTest).flatMap((path) => {
    const way = wayOutside(path, new Set());
    return way === undefined ? [] : [`${path}:1: no unit test: it imports ${way.join(" → ")}`];
  });
}

/** Whether `npm run unit` runs it. */
function isUnitTest(path: string): boolean {
  return /^(src\/.*|lab\/.*|test\/[^/]*)(?<!\.integration)\.test\.ts$/.test(path);
}

/** What is loaded with a file: packages by name, files by path. Types and imports on demand are not. */
function loadedBy({ path, file }: Source): string[] {
  return file.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
    if (statement.moduleSpecifier === undefined || isHarmless(statement)) return [];
    const name = statement.moduleSpecifier.getText(file).slice(1, -1);
    if (name.startsWith(".")) return [posix.join(posix.dirname(path), name)];
    return [name.startsWith("node:") ? name : name.split("/")[0]];
  });
}

/** Whether all that a statement imports are types, or HARMLESS. */
function isHarmless(statement: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(statement)) return statement.isTypeOnly;
  const clause = statement.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = clause.namedBindings;
  if (clause.name !== undefined || bindings === undefined || !ts.isNamedImports(bindings)) return false;
  return bindings.elements.every(
    ({ isTypeOnly, name, propertyName }) => isTypeOnly || HARMLESS.includes((propertyName ?? name).text),
  );
}

function cycles(sources: readonly Source[]): string[] {
  const targets = new Map(
    sources.map((source) => [source.path, importsOf(source).map(({ target }) => target ?? "")]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path))
      found.push(`${path}:1: ${[...trail.slice(trail.indexOf(path)), path].join(" → ")}`);
    if (done.has(path)) return;
    done.add(path);
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
  };
  for (const path of targets.keys()) visit(path, []);
  return found;
}

/** The folder or file right below src, or undefined outside of it. */
function partOf(path: string): string | undefined {
  const [root, part] = path.split("/");
  return root === "src" ? part : undefined;
}

function isPure(source: Source): boolean {
  return !source.isTest && PURE.includes(partOf(source.path) ?? "");
}

function isIn(place: string, path: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

/** All that a file imports, types too; `target` is the path from the root, or undefined for a package. */
function importsOf({ path, file }: Source): { name: string; target: string | undefined; pos: number }[] {
  return ts.preProcessFile(file.text).importedFiles.map(({ fileName, pos }) => ({
    name: fileName,
    target: fileName.startsWith(".") ? posix.join(posix.dirname(path), fileName) : undefined,
    pos,
  }));
}

/** Whether an identifier means a variable, and not the name of a property or declaration. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  return !("name" in parent && parent.name === node);
}

function isCastToUnknown(node: ts.Node): boolean {
  if (ts.isParenthesizedExpression(node)) return isCastToUnknown(node.expression);
  return ts.isAsExpression(node) && node.type.kind === ts.SyntaxKind.UnknownKeyword;
}

function isExported(statement: ts.Statement): boolean {
  return ts.canHaveModifiers(statement) && (ts.getModifiers(statement) ?? []).some(isExportKeyword);
}

function isExportKeyword(modifier: ts.Modifier): boolean {
  return modifier.kind === ts.SyntaxKind.ExportKeyword;
}

/** The places of all nodes that break a rule. */
function find(source: Source, breaks: (node: ts.Node) => boolean): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node) => {
    if (breaks(node)) found.push(at(source, node.getStart(source.file), firstLine(node, source)));
    ts.forEachChild(node, visit);
  };
  visit(source.file);
  return found;
}

function firstLine(node: ts.Node, source: Source): string {
  return node.getText(source.file).split("\n")[0];
}
