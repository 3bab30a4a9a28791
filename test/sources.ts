/** The project's source files, for tests of its structure. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const ROOT = join(import.meta.dirname, "..");

/** A TypeScript file. */
export interface Source {
  /** The path from the project's root, with slashes. */
  readonly path: string;
  /** Whether it is a test, or part of a conformance suite. */
  readonly isTest: boolean;
  readonly file: ts.SourceFile;
}

/** Reads all source files of the project. */
export function readSources(): Source[] {
  const paths = globSync("{src,test,bench,lab,web}/**/*.{ts,tsx}", {
    cwd: ROOT,
    exclude: ["**/node_modules"],
  });
  return paths.map((path) => parse(path.replaceAll("\\", "/"), readFileSync(join(ROOT, path), "utf8")));
}

/** A source file from its text. @param path from the project's root. */
export function parse(path: string, text: string): Source {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { path, isTest: /\.test\.ts$|\/conformance[/.]/.test(path), file };
}

/** The line number of a position, from 1. */
export function lineOf(source: Source, pos: number): number {
  return source.file.getLineAndCharacterOfPosition(pos).line + 1;
}

/** Formats a failure as `path:line: what`. */
export function at(source: Source, pos: number, what: string): string {
  return `${source.path}:${lineOf(source, pos)}: ${what}`;
}

/** Passes when there is no failure. @throws AssertionError that lists all of them. */
export function assertNone(failures: readonly string[]): void {
  assert.ok(failures.length === 0, `\n${failures.join("\n")}`);
}
