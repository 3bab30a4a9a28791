/** Checks the configurations of docs/dns.md in the servers that they are for. */
import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { Bed, type Process, until } from "../support/bed.ts";
import { blocksOf } from "../support/documentation/blocks.ts";
import { freePort } from "../support/free-port.ts";
import { toolsMissing } from "../support/tools.ts";

const NAME = "retracker.local";

/** The block of the page in a language. */
function block(language: string): string {
  const [found] = blocksOf("docs/dns.md").filter((each) => each.language === language);
  return found.text;
}

/** Starts a server, waits until it replies, and compares its replies with the page. */
async function assertAnswers(bed: Bed, port: number, command: readonly string[]): Promise<void> {
  const server: Process = bed.run(command);
  // Where nobody listens yet, a query fails at once.
  const resolver = new Resolver({ timeout: 30_000, tries: 1 });
  const probe = new Resolver({ timeout: 2000, tries: 1 });
  for (const each of [resolver, probe]) each.setServers([`127.0.0.1:${port}`]);
  await until("it answers", async () => {
    assert.equal(server.end, undefined, server.stderr + server.stdout);
    return await probe.resolve4(NAME).then(
      () => true,
      () => false,
    );
  });
  assert.deepEqual(await resolver.resolve4(NAME, { ttl: true }), [
    { address: "192.0.2.1", ttl: ttlOf(command[0]) },
  ]);
  assert.deepEqual(await resolver.resolve6(NAME), ["2001:db8::1"]);
  // The name exists, but not this type of record. ENOTFOUND would be cached for the whole name.
  await assert.rejects(resolver.resolveMx(NAME), { code: "ENODATA" });
}

/** dnsmasq overrides the TTL of its own records. */
function ttlOf(server: string): number {
  return server === "dnsmasq" ? 0 : 300;
}

test("Unbound", { skip: toolsMissing(["unbound"]), timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const port = await freePort();
  const config = `${block("unbound")}
  interface: 127.0.0.1
  port: ${port}
  do-daemonize: no
  username: ""
  chroot: ""
  pidfile: ""
  directory: "${bed.directory}"
  use-syslog: no
  logfile: ""
`;
  await writeFile(bed.path("unbound.conf"), config);
  await assertAnswers(bed, port, ["unbound", "-d", "-c", bed.path("unbound.conf")]);
});

test("BIND", { skip: toolsMissing(["bind9"]), timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const port = await freePort();
  await writeFile(bed.path("zone"), block("zone"));
  const config = `options {
  directory "${bed.directory}";
  pid-file none;
  session-keyfile none;
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
};
controls { };
${block("bind").replace("/etc/bind/db.retracker.local", bed.path("zone"))}`;
  await writeFile(bed.path("named.conf"), config);
  await assertAnswers(bed, port, ["named", "-g", "-c", bed.path("named.conf")]);
});

test("dnsmasq", { skip: toolsMissing(["dnsmasq-base"]), timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const port = await freePort();
  await writeFile(bed.path("dnsmasq.conf"), block("dnsmasq"));
  const own = [
    "--no-resolv",
    "--no-hosts",
    "--bind-interfaces",
    "--listen-address=127.0.0.1",
    `--port=${port}`,
  ];
  const running = ["--keep-in-foreground", "--log-facility=-", "--user=", "--pid-file="];
  await assertAnswers(bed, port, ["dnsmasq", `--conf-file=${bed.path("dnsmasq.conf")}`, ...own, ...running]);
});
