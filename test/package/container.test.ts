/** The container file, executed step by step because there is no Docker here, and the files beside it. */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { ROOT } from "../../packaging/release.ts";
import { announce } from "../support/announce.ts";
import { until } from "../support/bed.ts";
import { MARIADB_PASSWORD, MariaDb } from "../support/mariadb.ts";
import { BUILT, DEBIAN } from "./built.ts";

const CONTAINER = join(ROOT, "packaging/container");
const PORT = 3306;

/** The Dockerfile's instructions, with their arguments. */
function instructions(): [string, string][] {
  const lines = readFileSync(join(CONTAINER, "Dockerfile"), "utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]);
}

/** Executes the Dockerfile in a copy of Debian. @returns its root. */
function build(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "btrt-image-"));
  execFileSync("cp", ["-a", `${DEBIAN}/.`, root]);
  execFileSync("mount", ["-t", "proc", "proc", join(root, "proc")]);
  t.after(() => {
    execFileSync("umount", ["--lazy", join(root, "proc")]);
    rmSync(root, { recursive: true, force: true });
  });
  for (const [instruction, argument] of instructions()) {
    if (instruction === "COPY") copy(root, argument);
    else if (instruction === "RUN") execFileSync("chroot", [root, "sh", "-c", argument], { stdio: "ignore" });
  }
  return root;
}

/** The packages are in the test's directory, not in dist. */
function copy(root: string, argument: string): void {
  const [from, to] = argument.split(" ");
  const pattern = join(ROOT, from).replace(join(ROOT, "dist"), BUILT[0]);
  const files = globSync(pattern);
  assert.equal(files.length, 1, pattern);
  const target = to.endsWith("/") ? join(to, basename(files[0])) : to;
  mkdirSync(join(root, dirname(target)), { recursive: true });
  cpSync(files[0], join(root, target));
}

/** As the comment in compose.yaml says; for this network namespace. */
function allowPort80(t: TestContext): void {
  const file = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  const before = readFileSync(file);
  t.after(() => writeFileSync(file, before));
  writeFileSync(file, "80");
}

test("the image of the Dockerfile serves, with a database on a server", { timeout: 300_000 }, async (t) => {
  const root = build(t);
  const server = await MariaDb.start(t, `--port=${PORT}`);
  await server.execute("CREATE DATABASE btrt");
  await server.execute("CREATE USER 'btrt'@'127.0.0.1' IDENTIFIED BY ?", [MARIADB_PASSWORD]);
  await server.execute("GRANT ALL PRIVILEGES ON btrt.* TO 'btrt'@'127.0.0.1'");
  mkdirSync(join(root, "run/secrets"), { recursive: true });
  writeFileSync(join(root, "run/secrets/database_password"), MARIADB_PASSWORD);
  const last = (wanted: string) => instructions().findLast(([name]) => name === wanted)?.[1] ?? "";
  const command: string[] = [...JSON.parse(last("ENTRYPOINT")), ...JSON.parse(last("CMD"))];
  const as = ["setpriv", "--reuid", last("USER"), "--regid", last("USER"), "--init-groups"];
  const nothing = ["--inh-caps", "-all", "--ambient-caps", "-all", "--bounding-set", "-all"];
  allowPort80(t);
  const running = spawn("chroot", [root, ...as, ...nothing, ...command], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => running.kill("SIGKILL"));
  let log = "";
  running.stdout.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  await until("it is ready", () => /"msg":"ready"/.test(log) || running.exitCode !== null);
  const infoHash = randomBytes(20);
  assert.equal((await announce("http://127.0.0.1/announce", { infoHash, port: 7001 })).incomplete, 1, log);
  const [, ...health] = last("HEALTHCHECK").split("CMD ");
  const checked = spawnSync("chroot", [root, ...JSON.parse(health.join(""))], { encoding: "utf8" });
  assert.equal(checked.status, 0, checked.stderr);
  const ended = new Promise((resolve) => running.once("close", resolve));
  running.kill("SIGTERM");
  assert.equal(await ended, 0);
});

test("the compose file names what there is", () => {
  const { services, secrets, volumes } = parse(readFileSync(join(CONTAINER, "compose.yaml"), "utf8"));
  const { build, secrets: wanted, volumes: mounts, depends_on: needs } = services.btrt;
  assert.equal(resolve(CONTAINER, build.context), resolve(ROOT));
  assert.equal(resolve(ROOT, build.dockerfile), join(CONTAINER, "Dockerfile"));
  for (const secret of [...wanted, ...services.mariadb.secrets]) assert.ok(secret in secrets, secret);
  for (const need of needs) assert.ok(need in services, need);
  assert.deepEqual(globSync(join(CONTAINER, mounts[0].split(":")[0])), [join(CONTAINER, "btrt.conf")]);
  assert.ok(services.mariadb.volumes[0].split(":")[0] in volumes);
  const { database } = parse(readFileSync(join(CONTAINER, "btrt.conf"), "utf8"));
  const { MARIADB_DATABASE, MARIADB_USER, MARIADB_PASSWORD_FILE } = services.mariadb.environment;
  assert.deepEqual(
    [database.schema, database.user, database.password_file],
    [MARIADB_DATABASE, MARIADB_USER, MARIADB_PASSWORD_FILE],
  );
});
