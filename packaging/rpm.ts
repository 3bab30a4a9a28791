/** A package for Red Hat, SUSE and their derivatives; see rpm-spec(5). */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONFIGURATION_FILES, Layout, listFiles, settle } from "./layout.ts";
import { DESCRIPTION, MAINTAINER } from "./product.ts";
import { type Release, ROOT } from "./release.ts";

/** Turns off changes of rpmbuild to the files, and records of the build machine. */
const MACROS = [
  "__os_install_post %{nil}",
  "debug_package %{nil}",
  "_build_id_links none",
  "_buildhost btrt",
  "use_source_date_epoch_as_buildtime 1",
  "clamp_mtime_to_source_date_epoch 1",
  "source_date_epoch_from_changelog 0",
  "_binary_payload w6.gzdio",
];

/**
 * Packs the contents of `root`, and adds files to it.
 * @param workDir a directory of its own.
 * @returns the package's path, in `outDir`.
 */
export function packRpm(root: string, release: Release, workDir: string, outDir: string): string {
  const layout = new Layout(root);
  layout.copy(join(ROOT, "LICENSE"), "usr/share/licenses/btrt/LICENSE");
  settle(root, release.epoch);
  const spec = join(workDir, "btrt.spec");
  mkdirSync(workDir, { recursive: true });
  writeFileSync(spec, specOf(root, release));
  const buildRoot = join(workDir, "buildroot");
  const definitions = MACROS.flatMap((macro) => ["--define", macro]);
  const where = [
    "--define",
    `_topdir ${workDir}`,
    "--define",
    `_rpmdir ${workDir}`,
    "--buildroot",
    buildRoot,
  ];
  execFileSync(
    "rpmbuild",
    ["-bb", "--quiet", "--target", release.architecture.rpm, ...definitions, ...where, spec],
    {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(release.epoch) },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const name = `btrt-${release.version}-1.${release.architecture.rpm}.rpm`;
  mkdirSync(outDir, { recursive: true });
  renameSync(join(workDir, release.architecture.rpm, name), join(outDir, name));
  return join(outDir, name);
}

function specOf(root: string, { version }: Release): string {
  const { files, directories } = listFiles(root);
  const [summary, ...lines] = DESCRIPTION;
  const listed = files.map((file) => {
    if (CONFIGURATION_FILES.includes(file)) return `%config(noreplace) ${file}`;
    if (file.startsWith("/usr/share/licenses/")) return `%license ${file}`;
    return file.startsWith("/usr/share/doc/") ? `%doc ${file}` : file;
  });
  return `Name: btrt
Version: ${version}
Release: 1
Summary: ${summary}
License: MIT
Packager: ${MAINTAINER}
Requires(post): shadow-utils
Suggests: mariadb-server nats-server

%description
${lines.join("\n")}

%install
mkdir -p %{buildroot}
cp -a ${root}/. %{buildroot}

%files
%defattr(-,root,root)
${directories.map((directory) => `%dir ${directory}\n`).join("")}${listed.join("\n")}
%ghost %config(noreplace) /etc/btrt/btrt.conf

${readFileSync(join(ROOT, "packaging/rpm/scripts.spec"), "utf8")}`;
}
