/** Runs the unit tests again whose properties have fewer cases there, with all cases. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ALL_CASES } from "../support/case-count.ts";

process.env[ALL_CASES] = "1";
const sources = fileURLToPath(new URL("../../src", import.meta.url));
const files = globSync(`${sources}/**/*.test.ts`).filter((file) =>
  readFileSync(file, "utf8").includes("/test/support/case-count.ts"),
);
assert.ok(files.length > 0);
for (const file of files) await import(pathToFileURL(file).href);
