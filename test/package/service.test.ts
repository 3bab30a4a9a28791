/** The lifetime of an installed tracker, on a machine with nothing but Debian: from installation to purge. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { probeUring } from "../../src/engine/uring/probe.ts";
import { announce, scrape } from "../support/announce.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, type Process, until } from "../support/bed.ts";
import { Load } from "../support/load.ts";
import { MARIADB_PASSWORD, MariaDb } from "../support/mariadb.ts";
import { BUILT, debOf, NEXT, NEXT_VERSION, output, rpmOf, VERSION } from "./built.ts";
import { Machine } from "./machine.ts";

const URL = "http://127.0.0.1/announce";
const ADMIN = "http://127.0.0.1:6970/";
const CLIENT =
  "--no-conf --enable-dht=false --bt-enable-lpd=false --enable-peer-exchange=false --disable-ipv6=true --interface=127.0.0.1";
const MOST_EXPOSURE = 2.0;

let machine: Machine;
before(async () => {
  machine = await Machine.boot();
});
after(() => machine.end());

function install(directory: string, version: string): string {
  return machine.run("dpkg", "--install", machine.receive(join(directory, debOf(version))));
}

/** Waits until this version of the tracker answers. */
async function serves(version: string): Promise<void> {
  await until(`version ${version} serves`, async () => {
    const status = await askStatus(ADMIN).catch(() => undefined);
    return status?.version === version && status.ready;
  });
}

/** Real clients fetch a file from each other. They know only the tracker. */
async function fetchFile(bed: Bed): Promise<void> {
  const [seed, leech] = [bed.path("seed"), bed.path("leech")];
  output("mkdir", "-p", seed, leech);
  writeFileSync(join(seed, "file"), randomBytes(100_000));
  output("mktorrent", "-l", "16", "-a", URL, "-o", bed.path("file.torrent"), join(seed, "file"));
  const client = (...args: string[]): Process =>
    bed.run(["aria2c", ...CLIENT.split(" "), ...args, bed.path("file.torrent")]);
  client("--seed-ratio=0.0", "--check-integrity=true", `--dir=${seed}`, "--listen-port=26881");
  await until("the seeder has announced", async () => (await askStatus(ADMIN)).peers > 0);
  const leeching = client("--seed-time=0", `--dir=${leech}`, "--listen-port=26882");
  assert.equal(await leeching.ended, 0, leeching.stdout);
}

/** Writes the configuration of a database on a server. @returns its schema. */
async function useServer(server: MariaDb): Promise<string> {
  const { url, user, schema } = await server.makeSchema();
  const file = "/etc/btrt/database_password";
  writeFileSync(machine.path(file), MARIADB_PASSWORD);
  machine.run("chgrp", "btrt", file);
  const database = JSON.stringify({ url, user, schema, password_file: file });
  const configuration = machine.read("/etc/btrt/btrt.conf");
  const changed = configuration.replace(/^database:\n.*\n/m, `database: ${database}\n`);
  writeFileSync(machine.path("/etc/btrt/btrt.conf"), changed);
  return schema;
}

describe("the .deb", () => {
  const infoHash = randomBytes(20);

  test("installs, starts and serves real clients at once", { timeout: 300_000 }, async (t) => {
    const bed = await Bed.open(t);
    const began = performance.now();
    install(BUILT[0], VERSION);
    await serves(VERSION);
    const served = performance.now();
    await fetchFile(bed);
    const seconds = (ms: number) => ((ms - began) / 1000).toFixed(1);
    t.diagnostic(
      `serves ${seconds(served)} s after dpkg began, clients have their file ${seconds(performance.now())} s after`,
    );
    const { engine } = await askStatus(ADMIN);
    assert.equal(engine, (await probeUring()) === undefined ? "uring" : "node");
    assert.match(
      machine.run("btrt", "version"),
      new RegExp(`^btrt ${VERSION} \\([0-9a-f]{12}\\S* of \\d{4}-\\d\\d-\\d\\d; Node`),
    );
    await announce(URL, { infoHash, port: 7001 });
  });

  test("its units are what systemd wants, and little is left to them", () => {
    const units = ["btrt.service", "btrt.socket", "btrt-gate.service"];
    const files = units.map((unit) => `/usr/lib/systemd/system/${unit}`);
    assert.equal(machine.run("systemd-analyze", "verify", "--man=no", ...files), "");
    for (const unit of units.filter((name) => name.endsWith(".service"))) {
      const report = machine.run("systemd-analyze", "security", "--no-pager", unit);
      const [, exposure] = /exposure level for \S+: ([\d.]+)/.exec(report) ?? [];
      assert.ok(Number(exposure) <= MOST_EXPOSURE, report);
    }
    assert.match(machine.run("systemctl", "show", "--property=StatusText", "btrt"), /=serving \d+ peers/);
  });

  test("the gate is for routers: it is not enabled, and once started it finds the tracker", {
    timeout: 300_000,
  }, async () => {
    assert.match(machine.try("systemctl", "is-enabled", "btrt-gate").out, /^disabled/);
    machine.run("systemctl", "start", "btrt-gate");
    const journal = () => machine.try("journalctl", "--no-pager", "--all", "--unit=btrt-gate").out;
    await until("it has asked", () => journal().includes("gate.enabled is off"));
    machine.run("systemctl", "stop", "btrt-gate");
  });

  test("its files are for whom they should be", () => {
    const of = (path: string) => machine.run("stat", "--format=%U:%G %a", path).trim();
    assert.equal(of("/etc/btrt"), "root:btrt 750");
    assert.equal(of("/etc/btrt/btrt.conf"), "root:btrt 640");
    for (const directory of ["/var/lib/btrt", "/var/log/btrt"]) assert.equal(of(directory), "btrt:btrt 750");
    assert.match(machine.read("/var/log/btrt/btrt.log"), /"msg":"ready"/);
    assert.ok(existsSync(machine.path("/var/lib/btrt/btrt.db")));
  });

  test("reloads, and says what is wrong", { timeout: 300_000 }, async () => {
    const before = machine.read("/etc/btrt/btrt.conf");
    writeFileSync(machine.path("/etc/btrt/btrt.conf"), `${before}\nnonsense: 1\n`);
    assert.match(machine.try("btrt", "check").out, /btrt\.conf:\d+.*unknown key/);
    const reload = machine.try("systemctl", "reload", "btrt");
    assert.notEqual(reload.code, 0, reload.out);
    const state = machine.try("systemctl", "status", "--full", "--no-pager", "btrt").out;
    assert.match(state, /Active: active \(running\)/);
    assert.match(state, /Status: ".*not in force: \/etc\/btrt\/btrt\.conf:\d+:1: nonsense: unknown key/);
    assert.match(state, /: \/etc\/btrt\/btrt\.conf:\d+:1: nonsense: unknown key/);
    assert.match(
      machine.run("btrt", "status"),
      /The new configuration is not in force: .* nonsense: unknown key/,
    );
    writeFileSync(machine.path("/etc/btrt/btrt.conf"), `${before}\ntracker: { interval: 1234 }\n`);
    machine.run("service", "btrt", "reload");
    await until(
      "the new interval is in force",
      async () => (await announce(URL, { infoHash, port: 7001 })).interval < 1500,
    );
  });

  test("stops while clients announce, and starts again", { timeout: 300_000 }, async (t) => {
    const load = await Load.start(await Bed.open(t), 80, 6969);
    machine.run("service", "btrt", "stop");
    const active = () => machine.try("systemctl", "is-active", "btrt.socket", "btrt.service").out;
    await until("both are inactive", () => /^inactive\ninactive/.test(active()));
    await assert.rejects(announce(URL, { infoHash, port: 7001 }), { code: "ECONNREFUSED" });
    machine.run("service", "btrt", "start");
    await serves(VERSION);
    await load.stop();
    assert.match(machine.run("service", "btrt", "status"), /Active: active \(running\)/);
    assert.equal((await scrape(URL, infoHash)).incomplete, 1);
  });

  test("a restart and a kill, while clients announce", { timeout: 300_000 }, async (t) => {
    const bed = await Bed.open(t);
    for (const how of [["restart"], ["kill", "--signal=KILL"]]) {
      const load = await Load.start(bed, 80, 6969);
      await load.answers(500);
      const pid = machine.run("systemctl", "show", "--property=MainPID", "--value", "btrt").trim();
      machine.run("systemctl", ...how, "btrt.service");
      await until("the process has ended", () => machine.try("test", "-e", `/proc/${pid}`).code !== 0);
      const ended = Date.now();
      await load.answers(1000);
      const { failures, started, slowestMs } = await load.stop();
      t.diagnostic(`${how[0]}: ${failures.length} of ${started} failed, the slowest took ${slowestMs} ms`);
      assert.deepEqual(
        failures.filter(({ begun }) => how[0] === "restart" || begun > ended),
        [],
      );
    }
  });

  test("an upgrade keeps data and configuration, and fails no announce", { timeout: 300_000 }, async (t) => {
    const bed = await Bed.open(t);
    const configuration = machine.read("/etc/btrt/btrt.conf");
    const load = await Load.start(bed, 80, 6969);
    await load.answers(500);
    install(NEXT, NEXT_VERSION);
    await serves(NEXT_VERSION);
    assert.deepEqual((await load.stop()).failures, []);
    assert.equal((await scrape(URL, infoHash)).incomplete, 1);
    assert.equal(machine.read("/etc/btrt/btrt.conf"), configuration);
  });

  test("one whose configuration the new version refuses is not restarted", { timeout: 300_000 }, async () => {
    const configuration = machine.read("/etc/btrt/btrt.conf");
    writeFileSync(machine.path("/etc/btrt/btrt.conf"), `${configuration}\nnonsense: 1\n`);
    assert.match(install(BUILT[0], VERSION), /goes on running.*unknown key.*systemctl restart btrt/s);
    await serves(NEXT_VERSION);
    writeFileSync(machine.path("/etc/btrt/btrt.conf"), configuration);
    install(NEXT, NEXT_VERSION);
  });

  test("removed, and installed again, it serves", { timeout: 300_000 }, async () => {
    machine.run("dpkg", "--remove", "btrt");
    assert.match(machine.try("systemctl", "is-active", "btrt.socket").out, /^(inactive|unknown)/);
    install(NEXT, NEXT_VERSION);
    await serves(NEXT_VERSION);
  });

  test("data in MariaDB: upgrade, and downgrade refused in words", { timeout: 300_000 }, async (t) => {
    const server = await MariaDb.start(t);
    const schema = await useServer(server);
    install(BUILT[0], VERSION);
    machine.run("btrt", "db", "create");
    machine.run("systemctl", "restart", "btrt");
    await serves(VERSION);
    await announce(URL, { infoHash, port: 7, left: 0 });
    await server.changeVersion(schema, -1);
    assert.match(install(NEXT, NEXT_VERSION), /goes on running.*"btrt db upgrade".*systemctl restart btrt/s);
    await serves(VERSION);
    machine.run("systemctl", "stop", "btrt.socket");
    machine.run("btrt", "db", "upgrade");
    machine.run("systemctl", "start", "btrt");
    await serves(NEXT_VERSION);
    assert.equal((await scrape(URL, infoHash)).complete, 1);
    await server.changeVersion(schema, 1);
    assert.match(
      install(BUILT[0], VERSION),
      /goes on running.*newer than this program's.*systemctl restart btrt/s,
    );
    await serves(NEXT_VERSION);
  });

  test("its purge leaves nothing that it made", { timeout: 300_000 }, () => {
    machine.run("dpkg", "--purge", "btrt");
    // The only file there that another program has made.
    machine.run("rm", "/etc/btrt/database_password");
    machine.run("rmdir", "/etc/btrt");
    const left = machine.run(
      "find",
      "/etc",
      "/usr",
      "/var",
      "/run",
      "-xdev",
      "-name",
      "*btrt*",
      "-not",
      "-path",
      "/run/*",
    );
    assert.equal(left.replace(/^\/var\/lib\/dpkg\/.*\n/gm, ""), "");
    assert.equal(machine.try("getent", "passwd", "btrt").code, 2);
    assert.match(machine.try("systemctl", "is-active", "btrt.socket").out, /^(inactive|unknown)/);
  });
});

describe("the .rpm", () => {
  const rpm = (...args: string[]) => machine.run("rpm", "--nodeps", ...args);

  test("installs, starts, upgrades and goes", { timeout: 300_000 }, async () => {
    rpm("--install", machine.receive(join(BUILT[0], rpmOf(VERSION))));
    machine.run("systemctl", "start", "btrt");
    await serves(VERSION);
    const infoHash = randomBytes(20);
    await announce(URL, { infoHash, port: 7001 });
    const configuration = `${machine.read("/etc/btrt/btrt.conf")}\ntracker: { interval: 1234 }\n`;
    writeFileSync(machine.path("/etc/btrt/btrt.conf"), configuration);
    rpm("--upgrade", machine.receive(join(NEXT, rpmOf(NEXT_VERSION))));
    await serves(NEXT_VERSION);
    assert.equal((await announce(URL, { infoHash, port: 2 })).incomplete, 2);
    assert.equal(machine.read("/etc/btrt/btrt.conf"), configuration);
    rpm("--erase", "btrt");
    assert.match(machine.try("systemctl", "is-active", "btrt.socket").out, /^(inactive|unknown)/);
    assert.equal(existsSync(machine.path("/usr/lib/btrt")), false);
  });
});
