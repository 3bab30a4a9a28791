/** A signed repository for apt and one for dnf, yum and zypper, in a directory that a web server serves. */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { findProgram, type PackageKind } from "./tools.ts";

/** The name of the distribution in apt's sources: there is one for all versions of Debian and Ubuntu. */
const SUITE = "stable";
const COMPONENT = "main";

/** A key that does not exist. The message says how to create one. */
export class SigningKeyError extends Error {}

/**
 * Finds the key that signs.
 * @param name what gpg accepts as a user ID or fingerprint; undefined for the first secret key.
 * @returns its fingerprint.
 * @throws SigningKeyError
 */
export function findSigningKey(name: string | undefined): string {
  const { stdout } = spawnSync(
    "gpg",
    ["--batch", "--with-colons", "--list-secret-keys", ...(name === undefined ? [] : [name])],
    { encoding: "utf8" },
  );
  const [, fingerprint] = /^fpr:(?:[^:]*:){8}([0-9A-F]+):/m.exec(stdout) ?? [];
  if (fingerprint !== undefined) return fingerprint;
  const what = name === undefined ? "there is no secret key" : `there is no secret key "${name}"`;
  // Old versions of rpm do not know ed25519.
  throw new SigningKeyError(
    `the repository cannot be signed: ${what} in gpg's keyring; ` +
      "create one: gpg --quick-generate-key 'NAME <ADDRESS>' rsa4096 sign never",
  );
}

/**
 * Adds packages to the repositories in a directory, which keep their other packages, and signs them again.
 * @param packages paths of packages, by kind.
 * @param key see {@link findSigningKey}.
 * @returns the directories of the repositories.
 */
export function addToRepository(
  packages: Readonly<Partial<Record<PackageKind, string>>>,
  directory: string,
  key: string,
): string[] {
  mkdirSync(directory, { recursive: true });
  replace(join(directory, "btrt.asc"), gpg(key, ["--armor", "--export", key]));
  const { deb, rpm } = packages;
  return [
    ...(deb === undefined ? [] : [addDeb(deb, join(directory, "apt"), key)]),
    ...(rpm === undefined ? [] : [addRpm(rpm, join(directory, "yum"), key)]),
  ];
}

/** The package first, and InRelease last, so that a client meanwhile sees the old state or the new one. */
function addDeb(file: string, root: string, key: string): string {
  const pool = join(root, "pool", COMPONENT);
  mkdirSync(pool, { recursive: true });
  copy(file, join(pool, basename(file)));
  const architectures = new Set(readdirSync(pool).map((name) => /_([^_]+)\.deb$/.exec(name)?.[1] ?? ""));
  architectures.delete("");
  const suite = join(root, "dists", SUITE);
  for (const architecture of architectures) {
    const index = join(suite, COMPONENT, `binary-${architecture}`);
    mkdirSync(index, { recursive: true });
    const list = run("apt-ftparchive", ["--arch", architecture, "packages", `pool/${COMPONENT}`], root);
    replace(join(index, "Packages"), list);
    replace(join(index, "Packages.gz"), gzipSync(list, { level: 9 }));
  }
  // apt-ftparchive lists every file below, also its own earlier results.
  for (const name of ["Release", "Release.gpg", "InRelease"]) rmSync(join(suite, name), { force: true });
  const fields = {
    Origin: "BTRT",
    Label: "BTRT",
    Suite: SUITE,
    Codename: SUITE,
    Components: COMPONENT,
    Architectures: [...architectures].sort().join(" "),
  };
  const options = Object.entries(fields).flatMap(([name, value]) => [
    "-o",
    `APT::FTPArchive::Release::${name}=${value}`,
  ]);
  const release = run("apt-ftparchive", [...options, "release", suite], root);
  replace(join(suite, "Release"), release);
  replace(join(suite, "Release.gpg"), gpg(key, ["--armor", "--detach-sign"], release));
  replace(join(suite, "InRelease"), gpg(key, ["--clear-sign"], release));
  return root;
}

/** The package in the repository has a signature. The one that was built has none, as its bytes are reproducible. */
function addRpm(file: string, root: string, key: string): string {
  mkdirSync(root, { recursive: true });
  const signed = join(root, `.${basename(file)}`);
  copyFileSync(file, signed);
  // Debian's rpm does not know where gpg is.
  const macros = ["--define", `_gpg_name ${key}`, "--define", `__gpg ${findProgram("gpg")}`];
  run("rpmsign", [...macros, "--addsign", signed], root);
  renameSync(signed, join(root, basename(file)));
  run("createrepo_c", ["--quiet", "--update", "."], root);
  const metadata = join(root, "repodata/repomd.xml");
  run("gpg", ["--batch", "--yes", "--local-user", key, "--armor", "--detach-sign", metadata], root);
  return root;
}

function gpg(key: string, args: readonly string[], input?: Uint8Array): Buffer {
  return execFileSync("gpg", ["--batch", "--local-user", key, ...args], {
    input,
    stdio: ["pipe", "pipe", "inherit"],
  });
}

/** Runs a program. @returns its output. @throws Error with its complaint if it fails. */
function run(program: string, args: readonly string[], directory: string): Buffer {
  return execFileSync(program, args, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
}

function copy(file: string, to: string): void {
  if (existsSync(to)) rmSync(to);
  copyFileSync(file, to);
}

function replace(path: string, content: Uint8Array): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}
