/** The release to package: version, commit, time and architecture. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import packageJson from "../package.json" with { type: "json" };
import type { Build } from "../src/platform/version.ts";

/** The repository. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The name of each architecture in both kinds of packages, by Node's name for it. */
const ARCHITECTURES = {
  x64: { deb: "amd64", rpm: "x86_64" },
  arm64: { deb: "arm64", rpm: "aarch64" },
} as const;

/** One release on one architecture. */
export interface Release extends Build {
  /** Node's name for it. */
  readonly machine: keyof typeof ARCHITECTURES;
  readonly architecture: { readonly deb: string; readonly rpm: string };
  /** The time of all files, in seconds since 1970: so that the same input makes the same bytes. */
  readonly epoch: number;
}

/**
 * Reads it from the repository.
 * @param version instead of the one in package.json.
 */
export function readRelease(version: string = packageJson.version): Release {
  const machine = process.arch;
  if (!isSupported(machine)) throw new Error(`there is no package for ${machine}`);
  const [commit, committed] = git("log", "-1", "--format=%H %ct").split(" ");
  const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? committed);
  const isChanged = git("status", "--porcelain", "--untracked-files=no") !== "";
  return {
    version,
    commit: `${commit.slice(0, 12)}${isChanged ? "+changes" : ""}`,
    date: new Date(epoch * 1000).toISOString().slice(0, 10),
    machine,
    architecture: ARCHITECTURES[machine],
    epoch,
  };
}

function isSupported(machine: string): machine is Release["machine"] {
  return machine in ARCHITECTURES;
}

function git(...args: string[]): string {
  return execFileSync("git", ["-C", ROOT, ...args], { encoding: "utf8" }).trim();
}
