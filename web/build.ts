/**
 * Builds the page into web/dist, from where it is served: `npm run build:page`. What is built is in the repository, so
 * that running BTRT needs no bundler; a test builds it again and compares.
 */
import { fileURLToPath } from "node:url";
import { build } from "vite";

/** @param outDir where the three files go. */
export async function buildPage(outDir: string): Promise<void> {
  await build({
    configFile: false,
    root: fileURLToPath(new URL(".", import.meta.url)),
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir,
      emptyOutDir: true,
      modulePreload: false,
      rolldownOptions: { output: { entryFileNames: "page.js", assetFileNames: "page[extname]" } },
    },
  });
}

if (import.meta.main) await buildPage(fileURLToPath(new URL("dist", import.meta.url)));
