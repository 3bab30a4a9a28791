/**
 * Installs the real programs that tests run: `node test/install-tools.ts`, on Debian and as root. Elsewhere it says
 * what is missing; the tests that need it are skipped then, except under CI, where that is an error.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { findMissing, TOOLS } from "./support/tools.ts";

/** Debian's package manager, as scripts use it. */
const APT_GET = "apt-get";

const missing = findMissing(TOOLS);
const problem = missing.length === 0 ? undefined : install(missing);
const tests = process.env.CI ? "tests need them" : "tests that need them are skipped";
if (missing.length === 0) console.log("test tools: all here");
else if (problem === undefined) console.log(`test tools: installed ${missing.join(", ")}`);
else console.log(`test tools: ${missing.join(", ")}: ${problem}; ${tests}`);
if (problem !== undefined && process.env.CI) process.exitCode = 1;

/** @returns why the packages could not be installed. */
function install(packages: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version"))
    return "missing, and not root on Debian";
  if (!aptGet("update") || !aptGet("install", "--yes", "--no-install-recommends", ...packages)) {
    return "could not be installed";
  }
  const still = findMissing(TOOLS);
  return still.length === 0 ? undefined : `installed, but ${still.join(", ")} not found`;
}

/** Runs apt-get quietly. Shows its output if it fails. */
function aptGet(...args: string[]): boolean {
  const { status, stdout, stderr, error } = spawnSync(APT_GET, ["--quiet=2", ...args], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status !== 0) console.error(error?.message ?? `${stdout}${stderr}`.trimEnd());
  return status === 0;
}
