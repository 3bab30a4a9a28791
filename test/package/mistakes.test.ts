/** Mistakes of an operator on an installed machine: the commands find them, and the service survives them. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { askStatus } from "../support/ask-admin.ts";
import { until } from "../support/bed.ts";
import { BUILT, debOf, VERSION } from "./built.ts";
import { Machine } from "./machine.ts";

const CONFIG = "/etc/btrt/btrt.conf";
/** Starts that are no waste: the first, and one in so many seconds. */
const START_SECONDS = 4;
const WATCHED_MS = 10_000;

let machine: Machine;
let original = "";
before(async () => {
  machine = await Machine.boot();
  machine.run("dpkg", "--install", machine.receive(join(BUILT[0], debOf(VERSION))));
  original = machine.read(CONFIG);
});
after(async () => {
  machine.run("dpkg", "--purge", "btrt");
  // The other files of tests use the same machine.
  machine.run("rm", "-rf", "/etc/btrt", "/root/hidden", "/root/torrents.export", "/home/somebody");
  await machine.end();
});

async function serves(): Promise<void> {
  await until("the tracker serves", () =>
    askStatus("http://127.0.0.1:6970/").then(
      ({ ready }) => ready,
      () => false,
    ),
  );
}

/** Adds a section to the configuration of the package, which has no such section. */
function configure(section: string): void {
  const rest = /^database:/.test(section) ? original.replace(/^database:\n.*\n/m, "") : original;
  writeFileSync(machine.path(CONFIG), `${rest}\n${section}\n`);
}

/** Writes a file of the machine, which belongs to root. */
function writeAsRoot(file: string, text: string, mode: number): void {
  mkdirSync(machine.path(join(file, "..")), { recursive: true });
  writeFileSync(machine.path(file), text);
  machine.run("chmod", mode.toString(8), file);
}

test("root's check has the rights of the service", { timeout: 300_000 }, (t) => {
  t.after(() => writeFileSync(machine.path(CONFIG), original));
  writeAsRoot("/etc/btrt/secret", "0123456789abcdef\n", 0o640);
  writeAsRoot("/root/hidden/secret", "0123456789abcdef\n", 0o644);
  writeAsRoot("/home/somebody/cidrs", "10.0.0.0/8\n", 0o644);
  machine.run("mkdir", "-p", "/var/lib/btrt/of-root");
  const cases: [string, string][] = [
    [
      "database: { url: 'tcp://127.0.0.1:3306', password_file: /etc/btrt/secret }",
      'database.password_file: /etc/btrt/secret: the user "btrt" may not read it: allow it with: ' +
        "chgrp btrt /etc/btrt/secret; chmod g+r /etc/btrt/secret",
    ],
    [
      "admin: { token_file: /root/hidden/secret }",
      'admin.token_file: /root/hidden/secret: the user "btrt" may not read it, because it may not enter the directory: ' +
        "move the file to /etc/btrt",
    ],
    [
      "peer_groups: [{ name: a, priority: 0, cidr_file: /home/somebody/cidrs }]",
      "the service cannot see /home/somebody/cidrs: its unit has ProtectHome=yes: use a place outside of /home, /root, " +
        "/run/user",
    ],
    [
      "hashlist: { path: /srv/hashlist }",
      "hashlist.path: the service may not write in /srv: its unit has ProtectSystem=strict: use a directory in " +
        '/var/lib/btrt, or add the lines [Service] and ReadWritePaths=/srv with "systemctl edit btrt.service"',
    ],
    [
      "hashlist: { path: /var/lib/btrt/of-root/hashlist }",
      'hashlist.path: the user "btrt" may not write in /var/lib/btrt/of-root: use another directory, or allow it: ' +
        "chown btrt /var/lib/btrt/of-root",
    ],
    [
      "hashlist: { path: /var/lib/btrt/absent/hashlist }",
      "hashlist.path: there is no directory /var/lib/btrt/absent: create it: " +
        "install -d -o btrt -g btrt /var/lib/btrt/absent",
    ],
    [
      "gate: { enabled: true, path: /var/lib/btrt/absent/gate }",
      "gate.path: there is no directory /var/lib/btrt/absent: create it: " +
        "install -d -o btrt -g btrt /var/lib/btrt/absent",
    ],
    [
      "database: { url: 'sqlite:var/btrt.db' }",
      "database.url: the service may not write in /etc/btrt/var: its unit has ProtectSystem=strict: use a directory in " +
        '/var/lib/btrt, or add the lines [Service] and ReadWritePaths=/etc/btrt/var with "systemctl edit btrt.service"',
    ],
  ];
  for (const [section, message] of cases) {
    configure(section);
    const { code, out } = machine.try("btrt", "check");
    assert.equal(code, 1, `${section}\n${out}`);
    assert.ok(out.includes(message), `${section}\n${out}`);
    const diagnosis = machine.try("btrt", "doctor");
    assert.equal(diagnosis.code, 1, `${section}\n${diagnosis.out}`);
  }
  configure("hashlist: { path: /var/lib/btrt/hashlist }");
  assert.equal(machine.try("btrt", "check").code, 0);
});

test("a database that root creates is one that the service can use", { timeout: 300_000 }, async () => {
  machine.run("systemctl", "stop", "btrt.socket", "btrt.service");
  machine.run("sh", "-c", "rm -f /var/lib/btrt/btrt.db*");
  machine.run("btrt", "db", "create");
  assert.equal(machine.run("stat", "--format=%U", "/var/lib/btrt/btrt.db").trim(), "btrt");
  machine.run("btrt", "db", "export", "/root/torrents.export");
  machine.run("btrt", "db", "import", "/root/torrents.export");
  machine.run("systemctl", "start", "btrt");
  await serves();
  machine.run("systemctl", "stop", "btrt.socket", "btrt.service");
  machine.run("chown", "root:root", "/var/lib/btrt/btrt.db");
  const { code, out } = machine.try("btrt", "check");
  assert.equal(code, 1);
  assert.match(
    out,
    /the user "btrt" may not write \/var\/lib\/btrt\/btrt\.db: chown btrt: \/var\/lib\/btrt\/btrt\.db\*/,
  );
  machine.run("chown", "btrt:btrt", "/var/lib/btrt/btrt.db");
});

test("with a mistake in the configuration and clients at the socket, the tracker is not started again and again", {
  timeout: 300_000,
}, async (t) => {
  machine.run("systemctl", "stop", "btrt.socket", "btrt.service");
  configure("nonsense: 1");
  const starts = () =>
    machine.run("journalctl", "--unit=btrt", "--no-pager").match(/Starting btrt/g)?.length ?? 0;
  const before = starts();
  const began = performance.now();
  assert.notEqual(machine.try("systemctl", "start", "btrt").code, 0);
  const clients: Socket[] = [];
  t.after(() => {
    for (const client of clients) client.destroy();
  });
  const end = performance.now() + WATCHED_MS;
  await until("the time is over", () => {
    if (clients.length < 50) clients.push(connect(80, "127.0.0.1").on("error", () => {}));
    return performance.now() > end;
  });
  const started = starts() - before;
  const seconds = (performance.now() - began) / 1000;
  assert.ok(started <= Math.ceil(1 + seconds / START_SECONDS), `${started} starts in ${seconds} s`);
  assert.equal(machine.run("systemctl", "is-active", "btrt.socket").trim(), "active");
  writeFileSync(machine.path(CONFIG), original);
  machine.run("systemctl", "restart", "btrt");
  await serves();
});
