/**
 * Bundles the program into a few JavaScript files. A bundle starts in half the time, and needs no npm package but
 * koffi.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { build, type Rolldown } from "vite";
import { type Release, ROOT } from "./release.ts";

/** A package whose code is in the bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** The text of its licence. */
  readonly licence: string;
}

/**
 * Writes `main.js`, `worker.js`, `cluster-thread.js` and their shared code to `outDir`.
 * @returns the bundled packages.
 */
export async function bundle(outDir: string, { version, commit, date }: Release): Promise<BundledPackage[]> {
  const result = await build({
    configFile: false,
    root: ROOT,
    publicDir: false,
    logLevel: "warn",
    ssr: { noExternal: true, external: ["koffi"], target: "node" },
    define: { BTRT_BUILD: JSON.stringify({ version, commit, date }) },
    plugins: [
      { name: "beside", transform: renameBeside },
      { name: "latin1", generateBundle: { order: "post", handler: (_, files) => escapeWide(files) } },
    ],
    build: {
      ssr: true,
      target: "node24",
      outDir,
      emptyOutDir: true,
      minify: false,
      rolldownOptions: {
        input: {
          main: "src/main.ts",
          worker: "src/data-plane/worker.ts",
          "cluster-thread": "src/cluster/thread.ts",
        },
        output: {
          format: "esm",
          entryFileNames: "[name].js",
          chunkFileNames: "[name]-[hash].js",
          // The texts of licences are in a file of their own.
          comments: false,
        },
      },
    },
  });
  const outputs = [result].flat().flatMap((each) => ("output" in each ? each.output : []));
  const modules = outputs.flatMap((each) => (each.type === "chunk" ? each.moduleIds : []));
  const directories = new Set(modules.flatMap(packageDirectoryOf));
  return [...directories].sort().map(readPackage);
}

/** Maps files that the program reads at run time: from the path in src to the path in the bundle (layout.ts). */
const BESIDE = [
  { source: '"./worker.ts", import.meta.url', bundled: '"./worker.js", import.meta.url' },
  { source: '"./thread.ts", import.meta.url', bundled: '"./cluster-thread.js", import.meta.url' },
  { source: '"../../web/dist/", import.meta.url', bundled: '"../web/dist/", import.meta.url' },
] as const;

function renameBeside(code: string): string | null {
  const found = BESIDE.find(({ source }) => code.includes(source));
  return found === undefined ? null : code.replace(found.source, found.bundled);
}

/**
 * Escapes what is not Latin-1. V8 keeps the source of all loaded files in memory, with two bytes for each character if
 * any of them needs two.
 */
function escapeWide(files: Rolldown.OutputBundle): void {
  for (const file of Object.values(files)) {
    if (file.type !== "chunk") continue;
    file.code = file.code.replace(
      /[^\0-\xff]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  }
}

/** @param module a file, possibly of a package. */
function packageDirectoryOf(module: string): string[] {
  const parts = module.split(sep);
  const at = parts.lastIndexOf("node_modules");
  if (at < 0) return [];
  return [parts.slice(0, at + (parts[at + 1].startsWith("@") ? 3 : 2)).join(sep)];
}

/** Reads the name and the licence of a package. */
export function readPackage(directory: string): BundledPackage {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  const file = readdirSync(directory).find((each) => /^licen[cs]e/i.test(each));
  const path = join(directory, file ?? "LICENSE");
  return { name, version, licence: existsSync(path) ? readFileSync(path, "utf8").trim() : String(license) };
}
