/** The signed repositories: apt installs and upgrades from one, dnf accepts the other, and neither accepts a change. */
import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ROOT } from "../../packaging/release.ts";
import { addToRepository, findSigningKey } from "../../packaging/repository.ts";
import { BUILT, DEBIAN, debOf, NEXT, NEXT_VERSION, output, rpmOf, VERSION } from "./built.ts";

const KEY = "Packages <packages@example.net>";

let place: string;
let url: string;
let key: string;
const server = createServer(({ url: path = "" }, response) => {
  try {
    response.end(readFileSync(join(place, "repository", decodeURIComponent(path))));
  } catch {
    response.writeHead(404).end();
  }
});

const add = (directory: string, version: string) =>
  addToRepository(
    { deb: join(directory, debOf(version)), rpm: join(directory, rpmOf(version)) },
    join(place, "repository"),
    key,
  );

/** Runs a program while the server answers. @returns exit code and output. */
function run(program: string, ...args: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    execFile(program, args, { env, maxBuffer: 1e8 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out: `${stdout}${stderr}` }),
    );
  });
}

async function good(program: string, ...args: string[]): Promise<string> {
  const { code, out } = await run(program, ...args);
  assert.equal(code, 0, out);
  return out;
}

before(async () => {
  place = mkdtempSync(join(tmpdir(), "btrt-repository-"));
  process.env.GNUPGHOME = join(place, "keys");
  mkdirSync(process.env.GNUPGHOME, { mode: 0o700 });
  const quiet = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""];
  execFileSync("gpg", [...quiet, "--quick-generate-key", KEY, "rsa3072", "sign", "never"], {
    stdio: "ignore",
  });
  key = findSigningKey("packages@example.net");
  add(BUILT[0], VERSION);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(() => {
  server.close();
  execFileSync("gpgconf", ["--kill", "gpg-agent"]);
  rmSync(place, { recursive: true, force: true });
});

test("what is missing is said before anything is built", () => {
  const build = (env: Record<string, string | undefined>, ...args: string[]) => {
    const all = [
      join(ROOT, "packaging/build.ts"),
      "--out",
      place,
      "--repository",
      join(place, "none"),
      ...args,
    ];
    const { status, stderr } = spawnSync(process.execPath, all, {
      encoding: "utf8",
      env: { ...process.env, ...env },
    });
    return { status, stderr };
  };
  assert.deepEqual(build({}, "--key", "nobody@example.net"), {
    status: 1,
    stderr:
      `the repository cannot be signed: there is no secret key "nobody@example.net" in gpg's keyring; ` +
      "create one: gpg --quick-generate-key 'NAME <ADDRESS>' rsa4096 sign never\n",
  });
  const bin = join(place, "bin");
  mkdirSync(bin);
  for (const program of ["git", "strip", "dpkg-deb", "rpmbuild"])
    execFileSync("ln", ["-s", output("which", program).trim(), bin]);
  const { status, stderr } = build({ PATH: bin });
  assert.equal(status, 1);
  assert.deepEqual(stderr.trimEnd().split("\n"), [
    "no apt repository is made, because the program gpg is missing: install gnupg (Debian) or gnupg2 (Red Hat)",
    "no apt repository is made, because the program apt-ftparchive is missing: install apt-utils",
    "no yum repository is made, because the program gpg is missing: install gnupg (Debian) or gnupg2 (Red Hat)",
    "no yum repository is made, because the program createrepo_c is missing: install createrepo-c (Debian) or createrepo_c (Red Hat)",
    "no yum repository is made, because the program rpmsign is missing: install rpm (Debian) or rpm-sign (Red Hat)",
  ]);
});

describe("apt on Debian", () => {
  let root: string;
  const apt = (...args: string[]) => ["chroot", root, "apt-get", "--yes", ...args] as const;

  before(() => {
    root = join(place, "debian");
    execFileSync("cp", ["-a", DEBIAN, root]);
    rmSync(join(root, "etc/apt/sources.list"), { force: true });
    writeFileSync(join(root, "etc/apt/keyrings/btrt.asc"), readFileSync(join(place, "repository/btrt.asc")));
    writeFileSync(
      join(root, "etc/apt/sources.list.d/btrt.sources"),
      `Types: deb\nURIs: ${url}/apt\nSuites: stable\nComponents: main\nSigned-By: /etc/apt/keyrings/btrt.asc\n`,
    );
  });

  test("installs", { timeout: 300_000 }, async () => {
    assert.doesNotMatch(await good(...apt("update")), /^[WE]:/m);
    await good(...apt("install", "btrt"));
    assert.match(await good("chroot", root, "btrt", "version"), new RegExp(`^btrt ${VERSION} `));
  });

  test("upgrades when the next version is added; the old one stays", { timeout: 300_000 }, async () => {
    add(NEXT, NEXT_VERSION);
    await good(...apt("update"));
    await good(...apt("upgrade"));
    assert.match(await good("chroot", root, "btrt", "version"), new RegExp(`^btrt ${NEXT_VERSION} `));
    await good(...apt("install", "--allow-downgrades", `btrt=${VERSION}`));
  });

  test("refuses a changed package, and a changed list", { timeout: 300_000 }, async () => {
    const change = (name: string) => {
      const path = join(place, "repository/apt", name);
      const bytes = readFileSync(path);
      bytes[bytes.length - 10] ^= 1;
      writeFileSync(path, bytes);
    };
    change(`pool/main/${debOf(NEXT_VERSION)}`);
    await good(...apt("clean"));
    const refused = await run(...apt("install", `btrt=${NEXT_VERSION}`));
    assert.notEqual(refused.code, 0);
    assert.match(refused.out, /Hash Sum mismatch/);
    change("dists/stable/InRelease");
    rmSync(join(root, "var/lib/apt/lists"), { recursive: true });
    assert.match((await run(...apt("update"))).out, /not signed|BADSIG|NO_PUBKEY|NODATA|signature/i);
  });
});

test("dnf accepts the yum repository and the packages' signatures, and refuses a changed one", {
  timeout: 300_000,
}, async () => {
  add(BUILT[0], VERSION);
  const repos = join(place, "repos");
  const cache = join(place, "cache");
  mkdirSync(repos);
  writeFileSync(
    join(repos, "btrt.repo"),
    `[btrt]\nname=BTRT\nbaseurl=${url}/yum\ngpgkey=${url}/btrt.asc\ngpgcheck=1\nrepo_gpgcheck=1\n`,
  );
  const query = (...args: string[]) =>
    run(
      "dnf",
      ...["--assumeyes", `--setopt=reposdir=${repos}`, `--setopt=cachedir=${cache}`],
      ...[
        `--installroot=${join(place, "redhat")}`,
        "--releasever=9",
        "repoquery",
        "--quiet",
        ...args,
        "btrt",
      ],
    );
  const { code, out } = await query("--queryformat=%{version} %{arch}");
  assert.equal(code, 0, out);
  assert.match((await query()).out, /^btrt-0:/m);
  for (const version of [VERSION, NEXT_VERSION]) assert.match(out, new RegExp(`^${version} `, "m"));
  const database = join(place, "rpm");
  mkdirSync(database);
  const rpmkeys = (...args: string[]) => run("rpmkeys", "--dbpath", database, ...args);
  assert.equal((await rpmkeys("--import", join(place, "repository/btrt.asc"))).code, 0);
  const checked = await rpmkeys("--checksig", "--verbose", join(place, "repository/yum", rpmOf(VERSION)));
  assert.match(checked.out, /Header V\d RSA\/SHA\d+ Signature, key ID [0-9a-f]+: OK/);
  const metadata = join(place, "repository/yum/repodata/repomd.xml");
  writeFileSync(metadata, readFileSync(metadata, "utf8").replace("<revision>", "<revision>1"));
  rmSync(cache, { recursive: true, force: true });
  // It leaves such a repository out.
  assert.doesNotMatch((await query()).out, /^btrt-/m);
});
