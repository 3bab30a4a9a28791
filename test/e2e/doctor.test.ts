/** `btrt doctor`, on machines with problems and on one without. */
import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { dnsLines } from "../../src/cli/dns-lines.ts";
import { Bed, until } from "../support/bed.ts";
import { runInSandbox } from "../support/documentation/sandbox.ts";
import { freePort } from "../support/free-port.ts";
import { HostileTracker } from "../support/hostile-tracker.ts";
import { MARIADB_PASSWORD, MariaDb } from "../support/mariadb.ts";
import { namespacesMissing } from "../support/networks.ts";
import { toolsMissing } from "../support/tools.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

/** A finding, as `--json` writes it. */
interface Finding {
  readonly about: string;
  readonly verdict: string;
  readonly text: string;
  readonly remedy?: string;
}

/** The findings about one subject, a line each: `verdict: text`, and the remedy. */
function about(report: readonly Finding[], what: string): string {
  return report
    .filter((finding) => finding.about === what)
    .map(({ verdict, text, remedy }) => `${verdict}: ${text}${remedy === undefined ? "" : ` → ${remedy}`}`)
    .join("\n");
}

async function diagnose(bed: Bed, ...args: string[]): Promise<{ report: Finding[]; code: unknown }> {
  const running = runBtrt(bed, ["doctor", "--json", "--config", bed.path("btrt.conf"), ...args]);
  const code = await running.ended;
  assert.equal(running.stderr, "");
  return { report: JSON.parse(running.stdout), code };
}

/** A real DNS server with the lines of dnsmasq's configuration. @returns its address. */
async function dnsmasq(bed: Bed, lines: readonly string[]): Promise<string> {
  const port = await freePort();
  const config = bed.path(`dnsmasq-${port}.conf`);
  await writeFile(
    config,
    ["no-resolv", "no-hosts", "bind-interfaces", "listen-address=127.0.0.1", ...lines, ""].join("\n"),
  );
  const options = [
    `--conf-file=${config}`,
    `--port=${port}`,
    "--keep-in-foreground",
    "--log-facility=-",
    "--user=",
  ];
  const server = bed.run(["dnsmasq", ...options]);
  await until("dnsmasq answers", () => /started/.test(server.stderr) || server.end !== undefined);
  assert.equal(server.end, undefined, server.stderr);
  return `127.0.0.1:${port}`;
}

test("beside a tracker that runs and a DNS that knows its name, there is no problem", {
  skip: toolsMissing(["dnsmasq-base"]),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  await writeFile(bed.path("ours.conf"), "127.0.0.0/8\n");
  const [http, udp, admin] = [await freePort(), await freePort(), await freePort()];
  const tracker = await TrackerProcess.start(
    bed,
    `listen: { http: ["127.0.0.1:${http}"], udp: ["127.0.0.1:${udp}"], max_connections: 100 }
workers: 1
peer_groups: [{ name: ours, priority: 0, cidr_file: ours.conf }]
admin: { listen: "127.0.0.1:${admin}" }
`,
  );
  const resolver = await dnsmasq(bed, [
    ...dnsLines(["retracker.local"], ["127.0.0.1"]).flatMap((line) => /^dnsmasq +(.*)/.exec(line)?.[1] ?? []),
    "local=/nowhere.local/",
    "host-record=else.local,192.0.2.99",
  ]);
  const { report, code } = await diagnose(bed, "--resolver", resolver);
  assert.equal(code, 0);
  assert.deepEqual(
    report.filter(({ verdict }) => verdict === "problem"),
    [],
  );
  assert.match(about(report, "tracker"), /^ok: version .*, process \d+, \w+ engine, answers$/m);
  assert.equal(
    about(report, "ports"),
    `ok: http 127.0.0.1:${http} is in use by the running tracker\nok: udp 127.0.0.1:${udp} is in use by the running tracker\n` +
      `ok: admin 127.0.0.1:${admin} is in use by the running tracker`,
  );
  assert.match(about(report, "DNS"), /^ok: retracker\.local resolves to 127\.0\.0\.1$/m);
  assert.match(about(report, "DNS"), /^warning: http:\/\/retracker\.local\/announce means port 80/m);
  assert.match(about(report, "limits"), /^ok: open files: .*of the running tracker/m);
  assert.match(about(report, "database"), /^ok: .*btrt\.db, schema version \d+$/);
  assert.match(about(report, "groups"), /^ok: "ours": 1 prefix; .*ours\.conf is of \d{4}-\d\d-\d\d$/);
  for (const what of ["io_uring", "disk", "clock"]) assert.notEqual(about(report, what), "", what);

  const others = await diagnose(bed, "--resolver", resolver, "--name", "else.local", "nowhere.local");
  assert.equal(others.code, 1);
  const dns = about(others.report, "DNS");
  assert.match(dns, /^warning: else\.local resolves to 192\.0\.2\.99: not an address of this machine → /m);
  assert.match(dns, /^problem: nowhere\.local: .* has no such name → /m);
  assert.match(dns, /^dnsmasq {2}host-record=nowhere\.local,/m);
  const deaf = await diagnose(bed, "--resolver", `127.0.0.1:${udp}`);
  assert.match(about(deaf.report, "DNS"), /^unknown: retracker\.local: .* does not reply/m);

  assert.equal(await tracker.stop(), 0);
  const stopped = await diagnose(bed, "--resolver", resolver);
  assert.match(about(stopped.report, "tracker"), /^unknown: none runs/);
  assert.match(
    about(stopped.report, "ports"),
    /^ok: http .* is free\nok: udp .* is free\nok: admin .* is free$/,
  );
});

test("what is in the way is a problem, with a remedy", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const other = await TrackerProcess.start(
    bed,
    'listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }\nworkers: 1\n',
  );
  const [http, udp] = [other.urls[0], other.udpUrls[0]].map((url) => /:(\d+)\//.exec(url)?.[1]);
  await writeFile(bed.path("token"), "0123456789abcdef\n");
  await chmod(bed.path("token"), 0o644);
  const database = new DatabaseSync(bed.path("newer.db"));
  database.exec("CREATE TABLE btrt_schema (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)");
  database.exec("INSERT INTO btrt_schema VALUES (1000, 0)");
  database.close();
  await writeFile(
    bed.path("btrt.conf"),
    `listen: { http: ["127.0.0.1:${http}", "192.0.2.254:80"], udp: ["127.0.0.1:${udp}"] }
admin: { listen: "127.0.0.1:${await freePort()}", token_file: token }
engine: node
database: { url: "sqlite:newer.db" }
`,
  );
  const { report, code } = await diagnose(bed);
  assert.equal(code, 1);
  const ports = about(report, "ports");
  assert.match(
    ports,
    new RegExp(
      `^problem: http 127.0.0.1:${http} is in use by \\S+ \\(process \\d+\\) → stop it, or choose another port`,
      "m",
    ),
  );
  assert.match(
    ports,
    new RegExp(`^problem: udp 127.0.0.1:${udp} is in use by \\S+ \\(process \\d+\\) → stop it`, "m"),
  );
  assert.match(ports, /^problem: http 192\.0\.2\.254:80 is not an address of this machine → /m);
  assert.match(about(report, "database"), /^problem: .*newer\.db has schema version 1000, newer than/);
  assert.match(about(report, "groups"), /^warning: no peer groups/);
  assert.match(about(report, "secrets"), /^warning: .*token is world-readable → chmod 640 /);
  assert.match(about(report, "io_uring"), /^ok: not needed/);

  const shown = runBtrt(bed, ["doctor", "--config", bed.path("btrt.conf")]);
  assert.equal(await shown.ended, 1);
  assert.match(shown.stdout, /^PROBLEM {6}ports {10}http .*\n {2,}→ stop it, or choose another port$/m);
  assert.match(shown.stdout, /\n\n\d problems, \d warnings?\n$/);

  await writeFile(bed.path("btrt.conf"), "traker: {}\n");
  const mistaken = await diagnose(bed);
  assert.equal(mistaken.code, 1);
  assert.match(about(mistaken.report, "configuration"), /^problem: .*:1:1: traker: unknown key/);
});

test("a database server without tables, refused and away", {
  skip: toolsMissing(["mariadb-server"]),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const server = await MariaDb.start(t);
  const { url, user, schema } = await server.makeSchema();
  const ports = 'listen: { http: ["127.0.0.1:0"], udp: [] }\nadmin: { listen: "127.0.0.1:0" }\n';
  const judge = async (password: string) => {
    await writeFile(
      bed.path("btrt.conf"),
      `${ports}database: ${JSON.stringify({ url, user, schema, password })}\n`,
    );
    return about((await diagnose(bed)).report, "database");
  };
  assert.match(await judge(MARIADB_PASSWORD), /^problem: .* has no tables → run "btrt db create"$/);
  const made = runBtrt(bed, ["db", "create", "--config", bed.path("btrt.conf")]);
  assert.equal(await made.ended, 0, made.stderr);
  assert.match(await judge(MARIADB_PASSWORD), /^ok: .*, schema version \d+$/);
  assert.match(await judge("wrong"), /^problem: .* → check database\.user, its password/);
  await server.kill();
  assert.match(await judge(MARIADB_PASSWORD), /^problem: .* → check that it runs/);
});

test("ports that systemd holds are ours, if the configuration has them", {
  skip: namespacesMissing(),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const [diagnosis] = await runInSandbox(bed, [
    `cat > "$HOME/bin/systemctl" <<'END'
#!/bin/sh
echo ActiveState=active
echo 'Listen=[::]:80 (Stream)'
echo 'Listen=[::]:81 (Stream)'
echo 'Listen=[::]:6969 (Datagram)'
END
chmod +x "$HOME/bin/systemctl"
btrt init --local 10.0.0.0/8 > /dev/null
btrt doctor --json
`,
  ]);
  assert.equal(diagnosis.code, 0);
  const ports = about(JSON.parse(diagnosis.output), "ports");
  assert.equal(
    ports,
    `ok: http [::]:80 is held for the tracker by btrt.socket
ok: udp [::]:6969 is held for the tracker by btrt.socket
ok: admin 127.0.0.1:6970 is free
ok: btrt.socket holds http [::]:81, which is not in listen.http: the tracker serves it, too`,
  );
});

test("neighbors are asked, and told nothing that they would keep", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const partner = await TrackerProcess.start(
    bed,
    `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }
workers: 1
`,
  );
  const elsewhere = await HostileTracker.start();
  t.after(() => elsewhere.stop());
  const query = "info_hash={info_hash}&peer_id={peer_id}&port={port}&left=1";
  const [http, udp] = [partner.url, partner.udpUrls[0]];
  const neighbors = [
    { name: "over http", announce_request: `${http}?${query}&event=started&numwant={numwant}` },
    { name: "over udp", announce_request: udp },
    { name: "refuses", announce_request: `${http}?info_hash={info_hash}&port=0` },
    { name: "away", announce_request: `http://127.0.0.1:${await freePort()}/announce?${query}` },
    { name: "sends us elsewhere", announce_request: elsewhere.url("redirect inside", `?${query}`) },
    { name: "not asked", announce_request: `http://127.0.0.1:1/announce?${query}`, enabled: false },
  ];
  await writeFile(
    bed.path("btrt.conf"),
    `listen: { http: ["127.0.0.1:0"], udp: [] }
admin: { listen: "127.0.0.1:0" }
database: { url: "sqlite:other.db" }
neighbors: ${JSON.stringify(neighbors)}
`,
  );
  const { report } = await diagnose(bed);
  const lines = about(report, "neighbors").split("\n");
  assert.equal(lines.length, 5);
  assert.match(lines[0], /^ok: "over http" replies, after \d+ ms$/);
  assert.match(lines[1], /^ok: "over udp" replies, after \d+ ms$/);
  assert.match(lines[2], /^warning: "refuses" refuses: .+ → check its announce_request/);
  assert.match(
    lines[3],
    /^warning: "away" does not reply \(refused, after \d+ ms\) → check that 127\.0\.0\.1:\d+ runs/,
  );
  assert.match(lines[4], /^warning: "sends us elsewhere" does not reply \(address, /);
  const { peers } = (await (await fetch(`${partner.admin}api/v1/status`)).json()) as { peers: number };
  assert.equal(peers, 0);
});
