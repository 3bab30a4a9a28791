/** The files of the page. They are read once and served from memory. No other file can be requested. */
import { readFileSync } from "node:fs";
import type { Hono } from "hono";
import type { AdminEnv } from "./guard.ts";

const TYPES = {
  "index.html": "text/html; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
} as const;

type FileName = keyof typeof TYPES;

/** The files by name. */
export type PageFiles = Readonly<Record<FileName, string>>;

/** Reads the page as it was built (web/). @param directory ends in a slash. */
export function readPage(directory: URL): PageFiles {
  const read = (name: FileName) => readFileSync(new URL(name, directory), "utf8");
  return { "index.html": read("index.html"), "page.js": read("page.js"), "page.css": read("page.css") };
}

function pathOf(name: string): string {
  return name === "index.html" ? "/" : `/${name}`;
}

/** The paths of the page. */
export const PAGE_PATHS: readonly string[] = Object.keys(TYPES).map(pathOf);

/** Adds the routes of the page. */
export function servePage(app: Hono<AdminEnv>, files: PageFiles): void {
  for (const [name, type] of Object.entries(TYPES) as [FileName, string][]) {
    app.get(pathOf(name), (context) => context.body(files[name], 200, { "Content-Type": type }));
  }
}
