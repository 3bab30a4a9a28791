/** The configurations of the original's manual, as written there, on a machine with the package. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { announce } from "../support/announce.ts";
import { askStatus } from "../support/ask-admin.ts";
import { until } from "../support/bed.ts";
import { blocksOf } from "../support/documentation/blocks.ts";
import { MariaDb } from "../support/mariadb.ts";
import { MANUAL } from "../support/original-manual.ts";
import { BUILT, debOf, VERSION } from "./built.ts";
import { Machine } from "./machine.ts";

const CONFIG = "/etc/btrt/btrt.conf";
const ADMIN = "http://127.0.0.1:6970/";
const CREATION = "/etc/btrt/btrt.db_creation.sql";
const PASSWORD = "password_for_btrt_user";

let machine: Machine;
before(async () => {
  machine = await Machine.boot();
  machine.run("dpkg", "--install", machine.receive(join(BUILT[0], debOf(VERSION))));
});
after(async () => {
  machine.run("dpkg", "--purge", "btrt");
  await machine.end();
});

/** Starts the tracker with a configuration, which must be good, and waits until it answers at port 80. */
async function serves(text: string): Promise<void> {
  writeFileSync(machine.path(CONFIG), text);
  await servesAsItIs();
}

async function servesAsItIs(): Promise<void> {
  const checked = machine.try("btrt", "check", "--database");
  assert.equal(checked.code, 0, checked.out);
  const pid = await askStatus(ADMIN).then(
    (status) => status.pid,
    () => 0,
  );
  machine.run("systemctl", "restart", "btrt");
  await until("the tracker serves", async () => {
    const status = await askStatus(ADMIN).catch(() => undefined);
    return status?.ready === true && status.pid !== pid;
  });
  await announce("http://127.0.0.1/announce", { infoHash: randomBytes(20), port: 7001 });
  assert.equal(machine.run("systemctl", "show", "--property=NRestarts", "--value", "btrt").trim(), "0");
}

/** A server at the default address of the original. @returns a client of the manual, with its input. */
async function startServer(scope: { after(done: () => Promise<void>): void }) {
  const server = await MariaDb.start(scope, "--port=3306");
  await server.execute([
    `CREATE USER 'btrt'@'127.0.0.1' IDENTIFIED BY '${PASSWORD}'`,
    "CREATE DATABASE btrt",
    "GRANT ALL PRIVILEGES ON btrt.* TO 'btrt'@'127.0.0.1'",
    "ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY 'root'",
    "GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION",
  ]);
  const client = (input: string) =>
    execFileSync("mariadb", ["--no-defaults", "-h127.0.0.1", "-ubtrt", `-p${PASSWORD}`], { input });
  return { server, client };
}

const timeout = 300_000;

test("sections without a database start, one by one", { timeout }, async () => {
  for (const name of ["logging", "peer_groups", "neighbors"] as const) await serves(MANUAL[name]);
});

test("a copy of the template starts", { timeout }, async () => {
  machine.run("cp", "/etc/btrt/btrt.conf.default", CONFIG);
  await servesAsItIs();
});

test("with the manual's server and tables, its database and the whole configuration start", {
  timeout,
}, async (t) => {
  const { client } = await startServer(t);
  client(machine.read(CREATION));
  client(machine.read("/etc/btrt/btrt.db_upgrade_2.1.0.sql"));
  await serves(MANUAL.database);
  await serves(Object.values(MANUAL).join(""));
  await serves(`database:\n  user: btrt\n  password: ${PASSWORD}\n`);
  assert.match(machine.run("btrt", "db", "status"), /^database +127\.0\.0\.1:3306\/btrt$/m);
});

test("the configuration of docs/moving.md starts after its first step", { timeout }, async (t) => {
  const { server } = await startServer(t);
  const [original] = blocksOf("docs/moving.md").filter(({ text }) => text.includes("peer_groups:"));
  writeFileSync(machine.path(CONFIG), original.text);
  const [steps] = blocksOf("docs/moving.md").filter(({ text }) => text.includes("CREATE DATABASE"));
  for (const statement of steps.text.matchAll(/^(CREATE|GRANT) .*$/gm))
    await server.execute(statement[0].replace("'btrt'@'localhost'", "'btrt'@'127.0.0.1'"));
  for (const command of steps.text.matchAll(/^btrt .*$/gm)) machine.run("sh", "-c", command[0]);
  await servesAsItIs();
});
