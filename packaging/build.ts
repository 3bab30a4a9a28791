/**
 * Builds the packages for this machine: `npm run package`. They include Node and have no dependencies. The same commit
 * makes the same bytes, on a machine with the same tools. With --repository, they are added to signed repositories.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packDeb } from "./deb.ts";
import { layOut } from "./layout.ts";
import { ROOT, readRelease } from "./release.ts";
import { addToRepository, findSigningKey, SigningKeyError } from "./repository.ts";
import { packRpm } from "./rpm.ts";
import { isKind, missingRepositoryTools, missingTools, type PackageKind, type Tool } from "./tools.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(ROOT, "dist") },
    version: { type: "string" },
    kind: { type: "string", multiple: true, default: ["deb", "rpm"] },
    repository: { type: "string" },
    key: { type: "string" },
  },
});

const NAMES = { deb: "apt", rpm: "yum" } as const;
const kinds = values.kind.filter(isKind);
// A machine without the tools of other distributions still gets the package of its own.
const buildable = kinds.filter((kind) => reportMissing(`.${kind} is built`, missingTools(kind)));
const listed =
  values.repository === undefined
    ? []
    : buildable.filter((kind) =>
        reportMissing(`${NAMES[kind]} repository is made`, missingRepositoryTools(kind)),
      );
const isComplete = buildable.length > 0 && (values.repository === undefined || listed.length > 0);
if (isComplete) await main();
else process.exitCode = 1;

/** @returns whether no program is missing. */
function reportMissing(what: string, tools: readonly Tool[]): boolean {
  for (const { program, from } of tools)
    console.error(`no ${what}, because the program ${program} is missing: install ${from}`);
  return tools.length === 0;
}

async function main(): Promise<void> {
  try {
    // Before the build, which takes a while.
    const key = listed.length === 0 ? "" : findSigningKey(values.key);
    const packages = await build(buildable);
    if (values.repository === undefined) return;
    const chosen = Object.fromEntries(listed.map((kind) => [kind, packages[kind]]));
    for (const directory of addToRepository(chosen, values.repository, key)) console.log(directory);
  } catch (error) {
    if (!(error instanceof SigningKeyError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** @returns the paths of the packages. */
async function build(kinds: readonly PackageKind[]): Promise<Partial<Record<PackageKind, string>>> {
  const release = readRelease(values.version);
  const workDir = mkdtempSync(join(tmpdir(), "btrt-package-"));
  const packages: Partial<Record<PackageKind, string>> = {};
  try {
    const root = join(workDir, "root");
    await layOut(root, release);
    if (kinds.includes("rpm")) {
      const rpmRoot = join(workDir, "rpm-root");
      cpSync(root, rpmRoot, { recursive: true });
      packages.rpm = packRpm(rpmRoot, release, join(workDir, "rpm"), values.out);
    }
    if (kinds.includes("deb")) packages.deb = packDeb(root, release, values.out);
    for (const path of Object.values(packages)) console.log(path);
    return packages;
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}
