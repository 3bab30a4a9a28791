/** The page in the repository equals a new build of its sources. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildPage } from "../web/build.ts";

const DIST = fileURLToPath(new URL("../web/dist", import.meta.url));

test("web/dist is what npm run build:page makes", { timeout: 300_000 }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "btrt-page-"));
  t.after(() => rm(directory, { recursive: true }));
  await buildPage(directory);
  assert.deepEqual((await readdir(directory)).sort(), ["index.html", "page.css", "page.js"]);
  for (const name of await readdir(directory)) {
    const [built, kept] = await Promise.all([readFile(join(directory, name)), readFile(join(DIST, name))]);
    assert.ok(built.equals(kept), `${name} is not up to date: run "npm run build:page"`);
  }
});
