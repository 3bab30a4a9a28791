/** The paths of all files on an installed machine. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { type BundledPackage, bundle, readPackage } from "./bundle.ts";
import { CREATION_SCRIPT, UPGRADE_SCRIPT } from "./database-scripts.ts";
import { type Release, ROOT } from "./release.ts";

const PACKAGING = join(ROOT, "packaging");
const MODULES = join(ROOT, "node_modules");
const HOME = "usr/lib/btrt";
/** Configuration files of the package. dpkg and rpm keep changed ones. */
export const CONFIGURATION_FILES = [
  "/etc/btrt/btrt.conf.default",
  "/etc/btrt/btrt.db_creation.sql",
  "/etc/btrt/btrt.db_upgrade_2.1.0.sql",
  "/etc/btrt/local_cidrs.conf",
  "/etc/btrt/neighboring_cidrs.conf",
];
/** Directories to which the tracker writes. */
const OWN_DIRECTORIES = ["var/lib/btrt", "var/log/btrt"];

/** A directory that becomes the root of a machine. */
export class Layout {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** Writes a file. */
  write(name: string, content: string | Uint8Array, mode = 0o644): void {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    chmodSync(path, mode);
  }

  /** Copies a file. */
  copy(from: string, name: string, mode = 0o644): void {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(from, path);
    chmodSync(path, mode);
  }

  /** Writes a documentation file: compressed, without a time stamp. */
  writeCompressed(name: string, content: string): void {
    this.write(`${name}.gz`, gzipSync(content, { level: 9 }));
  }
}

/** Copies the whole program into a directory. */
export async function layOut(root: string, release: Release): Promise<void> {
  const layout = new Layout(root);
  const packages = await bundle(layout.path(`${HOME}/lib`), release);
  const node = join(MODULES, `node-linux-${release.machine}`);
  layout.copy(join(node, "bin/node"), `${HOME}/bin/node`, 0o755);
  execFileSync("strip", ["--strip-unneeded", layout.path(`${HOME}/bin/node`)]);
  layout.write(`${HOME}/package.json`, `${JSON.stringify({ type: "module" })}\n`);
  for (const name of ["koffi", `@koromix/koffi-linux-${release.machine}`]) copyModule(layout, name);
  cpSync(join(ROOT, "web/dist"), layout.path(`${HOME}/web/dist`), { recursive: true });
  for (const script of ["setup", "restart", "stopped"])
    layout.copy(join(PACKAGING, `${script}.sh`), `${HOME}/${script}`, 0o755);
  layout.copy(join(PACKAGING, "btrt.sh"), "usr/sbin/btrt", 0o755);
  for (const unit of ["btrt.service", "btrt.socket", "btrt-gate.service"])
    layout.copy(join(PACKAGING, "systemd", unit), `usr/lib/systemd/system/${unit}`);
  layout.copy(join(PACKAGING, "btrt.conf"), "usr/share/btrt/btrt.conf");
  layout.copy(join(PACKAGING, "prometheus/btrt.rules.yml"), "usr/share/btrt/prometheus/btrt.rules.yml");
  layout.copy(join(PACKAGING, "grafana/btrt.json"), "usr/share/btrt/grafana/btrt.json");
  writeConfigurationFiles(layout);
  writeDocumentation(layout);
  const others = [...packages, ...[join(MODULES, "koffi"), node].map(readPackage)];
  layout.writeCompressed("usr/share/doc/btrt/third-party", others.map(termsOf).join("\n\n"));
  for (const directory of OWN_DIRECTORIES) mkdirSync(layout.path(directory), { recursive: true });
}

/** What configurations start from, under the names of the original's manual. */
function writeConfigurationFiles(layout: Layout): void {
  layout.copy(join(ROOT, "btrt.conf.default"), "etc/btrt/btrt.conf.default");
  layout.write("etc/btrt/btrt.db_creation.sql", CREATION_SCRIPT);
  layout.write("etc/btrt/btrt.db_upgrade_2.1.0.sql", UPGRADE_SCRIPT);
  for (const name of ["local_cidrs.conf", "neighboring_cidrs.conf"])
    layout.copy(join(PACKAGING, "etc", name), `etc/btrt/${name}`);
}

function termsOf({ name, version, licence }: BundledPackage): string {
  return `${name} ${version}\n\n${licence}\n`;
}

/** koffi is a library and its binding: only the parts that it needs to run, for glibc. */
function copyModule(layout: Layout, name: string): void {
  const from = join(MODULES, name);
  const files = readdirSync(from, { recursive: true, withFileTypes: true });
  for (const file of files) {
    const path = join(file.parentPath, file.name).slice(from.length + 1);
    const isCode =
      /\.(c?js|json)$/.test(path) || /^LICENSE/.test(path) || /linux_\w+\/koffi\.node$/.test(path);
    if (!file.isFile() || !isCode || /^(doc|vendor|lib)\/|cnoke/.test(path)) continue;
    layout.copy(join(from, path), `${HOME}/node_modules/${name}/${path}`);
  }
}

/** Manual pages and completions, which the program itself writes. */
function writeDocumentation(layout: Layout): void {
  const btrt = (...args: string[]) =>
    execFileSync(process.execPath, [layout.path(`${HOME}/lib/main.js`), ...args], { encoding: "utf8" });
  layout.writeCompressed("usr/share/man/man8/btrt.8", btrt("man", "btrt"));
  layout.writeCompressed("usr/share/man/man5/btrt.conf.5", btrt("man", "btrt.conf"));
  layout.write("usr/share/bash-completion/completions/btrt", btrt("completion", "bash"));
  layout.write("usr/share/zsh/vendor-completions/_btrt", btrt("completion", "zsh"));
  layout.write("usr/share/fish/vendor_completions.d/btrt.fish", btrt("completion", "fish"));
  const examples = join(PACKAGING, "examples");
  for (const name of readdirSync(examples))
    layout.copy(join(examples, name), `usr/share/doc/btrt/examples/${name}`);
  layout.copy(join(ROOT, "README.md"), "usr/share/doc/btrt/README.md");
  layout.writeCompressed("usr/share/doc/btrt/NEWS.md", readFileSync(join(ROOT, "CHANGELOG.md"), "utf8"));
  for (const name of readdirSync(join(ROOT, "docs")).filter((each) => each.endsWith(".md")))
    layout.copy(join(ROOT, "docs", name), `usr/share/doc/btrt/docs/${name}`);
}

/** Lists every file and directory that does not belong to the system, with a leading slash. */
export function listFiles(root: string): { files: string[]; directories: string[] } {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const pathOf = (entry: (typeof entries)[number]) => join(entry.parentPath, entry.name).slice(root.length);
  const paths = (wanted: boolean) =>
    entries
      .filter((entry) => entry.isDirectory() === wanted)
      .map(pathOf)
      .sort();
  return { files: paths(false), directories: paths(true).filter((path) => /\/btrt(\/|$)/.test(path)) };
}

/** Sets the release's time on everything, and modes that do not depend on the user who builds. */
export function settle(root: string, epoch: number): void {
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    lutimesSync(path, epoch, epoch);
  }
  chmodSync(root, 0o755);
  lutimesSync(root, epoch, epoch);
}

/** The size of what is installed, in KiB. */
export function installedSize(root: string): number {
  const { files } = listFiles(root);
  const bytes = files.reduce((sum, file) => sum + readFileSync(join(root, file)).length, 0);
  return Math.ceil(bytes / 1024);
}
