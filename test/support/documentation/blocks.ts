/** The fenced blocks of README and docs, which tests run and check as they are written. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

/** All pages with commands for operators and developers. Those in docs/benchmarks are records. */
export const PAGES: readonly string[] = globSync(
  ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs/*.md", "lab/README.md", "packaging/**/*.md"],
  {
    cwd: ROOT,
  },
).sort();

/** A block. */
export interface Block {
  /** The page's path, from the root. */
  readonly page: string;
  /** The line of its fence, from 1. */
  readonly line: number;
  /** The first word of its fence. */
  readonly language: string;
  /** The path where the block belongs: `file=PATH` after the language. */
  readonly file: string | undefined;
  readonly text: string;
}

/** The text of a page. */
export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

/** The blocks of a page. @throws Error for a block without a language. */
export function blocksOf(page: string, markdown = readPage(page)): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const [, indent, fence, info] = /^( *)(`{3,})(.*)$/.exec(lines[at]) ?? [];
    if (fence === undefined) {
      if (/^ {4,}\S/.test(lines[at]) && lines[at - 1]?.trim() === "") {
        throw new Error(`${page}:${at + 1}: an indented block: put it between fences that say what it is`);
      }
      continue;
    }
    const end = lines.indexOf(indent + fence, at + 1);
    const [language = "", ...rest] = info.trim().split(/\s+/);
    if (end < 0 || language === "")
      throw new Error(`${page}:${at + 1}: a block that does not end, or has no language`);
    const content = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    const file = rest.find((word) => word.startsWith("file="))?.slice("file=".length);
    blocks.push({ page, line: at + 1, language, file, text: `${content.join("\n")}\n` });
    at = end;
  }
  return blocks;
}
