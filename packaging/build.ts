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
import { isKind, missingTools, type PackageKind } from "./tools.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(ROOT, "dist") },
    version: { type: "string" },
    kind: { type: "string", multiple: true, default: ["deb", "rpm"] },
  },
});

const missing = values.kind.filter(isKind).map((kind) => [kind, missingTools(kind)] as const);
for (const [kind, tools] of missing) {
  for (const { program, from } of tools)
    console.error(`no .${kind} is built, because the program ${program} is missing: install ${from}`);
}
// A machine without the tools of other distributions still gets the package of its own.
const buildable = missing.filter(([, tools]) => tools.length === 0).map(([kind]) => kind);
if (buildable.length === 0) process.exitCode = 1;
else await build(buildable);

async function build(kinds: readonly PackageKind[]): Promise<void> {
  const release = readRelease(values.version);
  const workDir = mkdtempSync(join(tmpdir(), "btrt-package-"));
  try {
    const root = join(workDir, "root");
    await layOut(root, release);
    if (kinds.includes("rpm")) {
      const rpmRoot = join(workDir, "rpm-root");
      cpSync(root, rpmRoot, { recursive: true });
      console.log(packRpm(rpmRoot, release, join(workDir, "rpm"), values.out));
    }
    if (kinds.includes("deb")) console.log(packDeb(root, release, values.out));
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}
