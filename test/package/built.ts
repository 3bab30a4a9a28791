/** Where main.ts puts the packages and the system for the tests. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { ROOT } from "../../packaging/release.ts";

const PLACE = join(ROOT, "var/package-test");

/** The packages of this version, built twice. */
export const BUILT = [join(PLACE, "built"), join(PLACE, "built-again")] as const;

/** The packages of a later version. */
export const NEXT = join(PLACE, "next");

/** The root of a Debian without them. */
export const DEBIAN = join(PLACE, "debian");

/** This version, and the later one. */
export const VERSION = packageJson.version;
export const NEXT_VERSION = VERSION.replace(
  /^(\d+)\.(\d+)\..*/,
  (_, major, minor) => `${major}.${Number(minor) + 1}.0`,
);

/** The names of the packages, of one version. */
export function debOf(version: string): string {
  return `btrt_${version}_${process.arch === "arm64" ? "arm64" : "amd64"}.deb`;
}
export function rpmOf(version: string): string {
  return `btrt-${version}-1.${process.arch === "arm64" ? "aarch64" : "x86_64"}.rpm`;
}

/** Runs a program on this machine. @returns its output. @throws Error if it fails. */
export function output(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
