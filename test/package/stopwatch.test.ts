/**
 * The time from `dpkg -i` to the first answered announce, with the configuration of the original's manual. In between only
 * the manual's own step is done, if the configuration needs it: no other command, and no retry by hand.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { announce } from "../support/announce.ts";
import { until } from "../support/bed.ts";
import { MariaDb } from "../support/mariadb.ts";
import { MANUAL } from "../support/original-manual.ts";
import { BUILT, debOf, VERSION } from "./built.ts";
import { Machine } from "./machine.ts";

const CONFIG = "/etc/btrt/btrt.conf";
const URL = "http://127.0.0.1/announce";

/**
 * It takes two seconds on a machine that does nothing else. The limit is far above the slowness of a busy machine, and
 * below every wait that must not be part of it: a name of the configuration that is not resolved, a database that does
 * not answer, a service that fails and is restarted, a socket that is not there until somebody acts.
 */
const LIMIT_SECONDS = 60;

let machine: Machine;
before(async () => {
  machine = await Machine.boot();
});
after(async () => {
  machine.try("dpkg", "--purge", "btrt");
  await machine.end();
});

/**
 * Installs the package over a configuration.
 * @param step what the manual does next.
 * @returns the seconds until an announce was answered.
 */
async function timeInstallation(t: TestContext, text: string, step = () => {}): Promise<number> {
  mkdirSync(machine.path("/etc/btrt"), { recursive: true });
  writeFileSync(machine.path(CONFIG), text);
  const deb = machine.receive(join(BUILT[0], debOf(VERSION)));
  const began = performance.now();
  machine.run("dpkg", "--install", deb);
  const installed = performance.now();
  step();
  await until("an announce is answered", () =>
    announce(URL, { infoHash: randomBytes(20), port: 7001 }).then(
      () => true,
      () => false,
    ),
  ).catch((error: unknown) => {
    throw new Error(`${error}\n${machine.try("journalctl", "--no-pager", "--unit=btrt", "--lines=30").out}`);
  });
  const seconds = (performance.now() - began) / 1000;
  const dpkg = ((installed - began) / 1000).toFixed(1);
  t.diagnostic(
    `${seconds.toFixed(1)} s from dpkg -i to the first answered announce, ${dpkg} s of it in dpkg`,
  );
  assert.equal(machine.read(CONFIG), text, "the configuration is as it was");
  return seconds;
}

const timeout = 300_000;

test("with the manual's logging, peer groups and neighbor", { timeout }, async (t) => {
  const seconds = await timeInstallation(t, MANUAL.logging + MANUAL.peer_groups + MANUAL.neighbors);
  assert.ok(seconds < LIMIT_SECONDS, `${seconds} s`);
  assert.equal(machine.run("systemctl", "show", "--property=NRestarts", "--value", "btrt").trim(), "0");
  machine.run("dpkg", "--purge", "btrt");
});

test("with the manual's whole configuration, its MySQL server, and the script that makes the tables", {
  timeout,
}, async (t) => {
  const server = await MariaDb.start(t, "--port=3306");
  await server.execute([
    "CREATE DATABASE btrt",
    "ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY 'root'",
    "GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION",
  ]);
  const client = ["--no-defaults", "-h127.0.0.1", "-uroot", "-proot"];
  const seconds = await timeInstallation(t, Object.values(MANUAL).join(""), () =>
    execFileSync("mariadb", client, { input: machine.read("/etc/btrt/btrt.db_creation.sql") }),
  );
  assert.ok(seconds < LIMIT_SECONDS, `${seconds} s`);
});
