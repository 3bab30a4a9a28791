/**
 * Builds the packages for this machine: `npm run package`. They include Node and have no dependencies. The same commit
 * makes the same bytes, on a machine with the same tools.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packDeb } from "./deb.ts";
import { layOut } from "./layout.ts";
import { ROOT, readRelease } from "./release.ts";
import { packRpm } from "./rpm.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(ROOT, "dist") },
    version: { type: "string" },
    kind: { type: "string", multiple: true, default: ["deb", "rpm"] },
  },
});

const release = readRelease(values.version);
const workDir = mkdtempSync(join(tmpdir(), "btrt-package-"));
try {
  const root = join(workDir, "root");
  await layOut(root, release);
  if (values.kind.includes("rpm")) {
    const rpmRoot = join(workDir, "rpm-root");
    cpSync(root, rpmRoot, { recursive: true });
    console.log(packRpm(rpmRoot, release, join(workDir, "rpm"), values.out));
  }
  if (values.kind.includes("deb")) console.log(packDeb(root, release, values.out));
} finally {
  rmSync(workDir, { recursive: true, force: true });
}
