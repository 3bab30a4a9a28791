/** Checks the contents of the packages with the tools of Debian and Red Hat. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CONFIGURATION_FILES } from "../../packaging/layout.ts";
import { ROOT } from "../../packaging/release.ts";
import { BUILT, debOf, output, rpmOf, VERSION } from "./built.ts";

const DEB = join(BUILT[0], debOf(VERSION));
const RPM = join(BUILT[0], rpmOf(VERSION));

const WANTED = [
  ...CONFIGURATION_FILES,
  "/usr/lib/btrt/bin/node",
  "/usr/lib/btrt/lib/cluster-thread.js",
  "/usr/lib/btrt/lib/main.js",
  "/usr/lib/btrt/lib/worker.js",
  "/usr/lib/btrt/web/dist/index.html",
  "/usr/lib/systemd/system/btrt-gate.service",
  "/usr/lib/systemd/system/btrt.service",
  "/usr/lib/systemd/system/btrt.socket",
  "/usr/sbin/btrt",
  "/usr/share/bash-completion/completions/btrt",
  "/usr/share/btrt/btrt.conf",
  "/usr/share/btrt/grafana/btrt.json",
  "/usr/share/btrt/prometheus/btrt.rules.yml",
  "/usr/share/doc/btrt/examples/local_cidrs.conf",
  "/usr/share/doc/btrt/third-party.gz",
  "/usr/share/fish/vendor_completions.d/btrt.fish",
  "/usr/share/man/man5/btrt.conf.5.gz",
  "/usr/share/man/man8/btrt.8.gz",
  "/usr/share/zsh/vendor-completions/_btrt",
];

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

test("the same input makes the same bytes", () => {
  for (const name of [debOf(VERSION), rpmOf(VERSION)]) {
    const [one, other] = BUILT.map((directory) => readFileSync(join(directory, name)));
    assert.ok(one.equals(other), name);
  }
});

test("without the tools of one package the other is built, and the output says what is missing", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "btrt-tools-"));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const program of ["git", "strip", "dpkg-deb", "tar", "rm"])
    symlinkSync(output("which", program).trim(), join(directory, program));
  const build = (path: string) =>
    spawnSync(process.execPath, [join(ROOT, "packaging/build.ts"), "--out", directory], {
      encoding: "utf8",
      env: { ...process.env, PATH: path },
    });
  const withoutRpm = build(directory);
  assert.equal(withoutRpm.stdout, `${join(directory, debOf(VERSION))}\n`);
  assert.equal(
    withoutRpm.stderr,
    "no .rpm is built, because the program rpmbuild is missing: install rpm (Debian) or rpm-build (Red Hat)\n",
  );
  assert.equal(withoutRpm.status, 0);
  const without = build("/nowhere");
  assert.match(without.stderr, /^no \.deb is built, because the program git is missing: install git$/m);
  assert.deepEqual([without.stdout, without.status], ["", 1]);
});

test("the .deb has everything, and root owns it", () => {
  const entries = lines(output("dpkg-deb", "--contents", DEB)).map((line) => line.split(/ +/));
  const files = entries.map(([, , , , , path]) => path.replace(/^\./, ""));
  for (const file of WANTED) assert.ok(files.includes(file), file);
  for (const [mode, owner, , , , path] of entries) {
    assert.equal(owner, "root/root", path);
    assert.match(mode, /^[-d]rw[x-]r-[x-]r-[x-]$/, path);
  }
});

test("the .deb suggests the servers that it can use", () => {
  assert.equal(output("dpkg-deb", "--field", DEB, "Suggests").trim(), "mariadb-server, nats-server");
});

test("lintian has nothing to say", () => {
  // Otherwise it refuses to run as root.
  const { stdout, status } = spawnSync("lintian", ["--fail-on", "error,warning", DEB], { encoding: "utf8" });
  assert.deepEqual([stdout, status], ["", 0]);
});

test("the .rpm has the same files as the .deb, but for what is Debian's", () => {
  const inDeb = lines(output("dpkg-deb", "--contents", DEB))
    .filter((line) => line.startsWith("-"))
    .map((line) => line.split(/ +/)[5].slice(1));
  const inRpm = lines(output("rpm", "-qp", "--list", RPM));
  const debians = /^\/usr\/share\/(lintian\/.*|doc\/btrt\/(copyright|changelog\.gz))$/;
  for (const file of inDeb.filter((path) => !debians.test(path))) assert.ok(inRpm.includes(file), file);
  assert.ok(inRpm.includes("/usr/share/licenses/btrt/LICENSE"));
});

test("the .rpm says what it is, what it needs, and what is whose", () => {
  const query = (...args: string[]) => output("rpm", "-qp", ...args, RPM);
  assert.equal(query("--queryformat", "%{NAME} %{VERSION} %{LICENSE}"), `btrt ${VERSION} MIT`);
  assert.deepEqual(lines(query("--configfiles")), ["/etc/btrt/btrt.conf", ...CONFIGURATION_FILES]);
  const owners = new Set(lines(query("--queryformat", "[%{FILEUSERNAME}:%{FILEGROUPNAME}\n]")));
  assert.deepEqual([...owners], ["root:root"]);
  const requires = query("--requires");
  assert.match(requires, /libc\.so\.6\(GLIBC_2\.28\)/);
  assert.doesNotMatch(requires, /GLIBC_2\.(29|[3-9]\d)/, "as old a Linux as Node itself runs on");
  assert.match(requires, /shadow-utils/);
  assert.deepEqual(
    lines(query("--suggests")).map((line) => line.trim()),
    ["mariadb-server", "nats-server"],
  );
  const { status, stdout } = spawnSync("rpm", ["-K", "--nosignature", RPM], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

test("every script of both packages is shell", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "btrt-scripts-"));
  t.after(() => rmSync(directory, { recursive: true }));
  output("dpkg-deb", "--control", DEB, directory);
  const ofDeb = ["postinst", "prerm", "postrm"].map((name) => readFileSync(join(directory, name), "utf8"));
  const scripts = lines(output("rpm", "-qp", "--scripts", RPM)).join("\n");
  const ofRpm = scripts.split(/^\w+ scriptlet \(using \/bin\/sh\):$/m).slice(1);
  assert.equal(ofRpm.length, 4);
  for (const script of [...ofDeb, ...ofRpm]) {
    const { status, stderr } = spawnSync("sh", ["-n"], { input: script, encoding: "utf8" });
    assert.equal(status, 0, `${stderr}${script}`);
  }
});
