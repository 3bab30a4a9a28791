/** A package for Debian and its derivatives; see deb(5), deb-control(5) and Debian Policy. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CONFIGURATION_FILES, installedSize, Layout, settle } from "./layout.ts";
import { DESCRIPTION, MAINTAINER } from "./product.ts";
import { type Release, ROOT } from "./release.ts";

const SCRIPTS = ["postinst", "prerm", "postrm"];

/**
 * Packs the contents of `root`, and adds files to it.
 * @returns the package's path, in `outDir`.
 */
export function packDeb(root: string, release: Release, outDir: string): string {
  const layout = new Layout(root);
  layout.write("usr/share/doc/btrt/copyright", copyright());
  layout.writeCompressed("usr/share/doc/btrt/changelog", changelog(release));
  layout.copy(join(ROOT, "packaging/debian/lintian-overrides"), "usr/share/lintian/overrides/btrt");
  const size = installedSize(root);
  layout.write("DEBIAN/control", control(release, size));
  layout.write("DEBIAN/conffiles", CONFIGURATION_FILES.map((file) => `${file}\n`).join(""));
  for (const script of SCRIPTS)
    layout.copy(join(ROOT, "packaging/debian", script), `DEBIAN/${script}`, 0o755);
  settle(root, release.epoch);
  mkdirSync(outDir, { recursive: true });
  const path = join(outDir, `btrt_${release.version}_${release.architecture.deb}.deb`);
  // xz would save a fifth in ten times the time, and its bytes depend on the number of processors.
  const how = ["--root-owner-group", "-Zgzip", "-z6"];
  execFileSync("dpkg-deb", [...how, "--build", root, path], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(release.epoch) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return path;
}

function control({ version, architecture }: Release, size: number): string {
  const [summary, ...lines] = DESCRIPTION;
  return `Package: btrt
Version: ${version}
Section: net
Priority: optional
Architecture: ${architecture.deb}
Maintainer: ${MAINTAINER}
Installed-Size: ${size}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 5), passwd
Suggests: mariadb-server, nats-server
Description: ${summary}
${lines.map((line) => ` ${line}\n`).join("")}`;
}

/** In the form of https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/. */
function copyright(): string {
  const own = readFileSync(join(ROOT, "LICENSE"), "utf8").trim();
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: btrt
Comment: What it has of others is in /usr/share/doc/btrt/third-party.gz, with their terms.

Files: *
Copyright: 2026 The BTRT authors
License: Expat
${own.replace(/^/gm, " ").replace(/^ $/gm, " .")}
`;
}

/** In the form of deb-changelog(5). CHANGELOG.md has the changes. */
function changelog({ version, epoch }: Release): string {
  const date = new Date(epoch * 1000).toUTCString().replace("GMT", "+0000");
  return `btrt (${version}) stable; urgency=medium

  * See /usr/share/doc/btrt/NEWS.md.gz.

 -- ${MAINTAINER}  ${date}
`;
}
