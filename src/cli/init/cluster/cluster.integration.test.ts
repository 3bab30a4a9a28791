import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type NatsConnection, nkeyAuthenticator, nkeys, connect as transport } from "@nats-io/transport-node";
import { Bed, until } from "../../../../test/support/bed.ts";
import {
  SECURED_NATS_TOOLS,
  type SecuredNode,
  startSecuredNats,
} from "../../../../test/support/secured-nats.ts";
import { toolsMissing } from "../../../../test/support/tools.ts";
import { loadConfig } from "../../../config/load.ts";
import { readFromDisk } from "../../../config/read-file.ts";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));
const skip = toolsMissing(SECURED_NATS_TOOLS);
const needed = { skip, timeout: 300_000 };

function init(...argv: string[]) {
  const args = [MAIN, "init", "--local", "10.0.0.0/8", ...argv];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { out: stdout, err: stderr, code: status };
}

/** Connects as a node does. */
function connectTo({
  server,
  seed,
  ca,
}: Pick<SecuredNode, "server" | "seed" | "ca">): Promise<NatsConnection> {
  const authenticator = nkeyAuthenticator(new TextEncoder().encode(seed));
  return transport({ servers: server.tlsUrl, authenticator, tls: { ca }, reconnect: false, timeout: 10_000 });
}

/** Connects, and collects what is heard of the cluster, with the subject. */
async function listenAt(node: SecuredNode) {
  const connection = await connectTo(node);
  const heard: string[] = [];
  const callback = (_: unknown, message: { subject: string; string(): string }) =>
    void heard.push(`${message.subject} ${message.string()}`);
  connection.subscribe("btrt1.btrt.>", { callback });
  await connection.flush();
  return { ...node, connection, heard };
}

test(
  "the servers of two sites pass on what each node publishes under its own name, once",
  needed,
  async (t) => {
    const bed = await Bed.open(t);
    const ends = await Promise.all(
      (await startSecuredNats(bed, ["a", "b", "c@east", "d@east"])).map(listenAt),
    );
    t.after(() => Promise.all(ends.map(({ connection }) => connection.close())));
    for (const { name, connection } of ends) {
      await until(`all hear of ${name}`, () => {
        connection.publish(`btrt1.btrt.${name}.beat`, "warm");
        return ends.every(({ heard }) => heard.includes(`btrt1.btrt.${name}.beat warm`));
      });
    }
    for (const { heard } of ends) heard.length = 0;
    for (const { name, connection } of ends) connection.publish(`btrt1.btrt.${name}.records`, "x");
    for (const { name, connection } of ends) connection.publish(`btrt1.btrt.${name}.beat`, "end");
    const isEnd = (line: string) => line.endsWith(" end");
    await until("all have come", () => ends.every(({ heard }) => heard.filter(isEnd).length === 4));
    const once = ["a", "b", "c", "d"].map((name) => `btrt1.btrt.${name}.records x`);
    for (const { heard } of ends)
      assert.deepEqual(heard.filter((line) => line.includes("records")).toSorted(), once);
  },
);

test("a node cannot publish under another's name, nor listen to anything else", needed, async (t) => {
  const bed = await Bed.open(t);
  const [a, b] = await Promise.all((await startSecuredNats(bed, ["a", "b"])).map(listenAt));
  t.after(() => Promise.all([a, b].map(({ connection }) => connection.close())));
  const refused: string[] = [];
  void (async () => {
    for await (const { type, ...status } of a.connection.status())
      if (type === "error" && "error" in status) refused.push(String(status.error));
  })();
  a.connection.publish("btrt1.btrt.b.records", "forged");
  a.connection.publish("btrt1.other.a.records", "elsewhere");
  a.connection.subscribe("_INBOX.>", { callback: () => {} });
  await until("all three are refused", () => refused.length === 3);
  for (const text of refused) assert.match(text, /Permissions Violation/i);
  await until("the next message has come", () => {
    a.connection.publish("btrt1.btrt.a.beat", "after");
    return b.heard.includes("btrt1.btrt.a.beat after");
  });
  assert.ok(!b.heard.some((line) => line.includes("forged")), String(b.heard));
});

test("without the right key, TLS and CA nobody connects", needed, async (t) => {
  const bed = await Bed.open(t);
  const [a] = await startSecuredNats(bed, ["a", "b"]);
  const stranger = new TextDecoder().decode(nkeys.createUser().getSeed());
  await assert.rejects(connectTo({ ...a, seed: stranger }), /Authorization Violation/i);
  await assert.rejects(
    transport({ servers: a.server.tlsUrl, tls: { ca: a.ca }, reconnect: false }),
    /Authorization/,
  );
  const wrongCa = bed.path("other.pem");
  const made =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=other -keyout /dev/null";
  execFileSync("openssl", [...made.split(" "), "-out", wrongCa], { stdio: "pipe" });
  await assert.rejects(connectTo({ ...a, ca: await readFile(wrongCa, "utf8") }), /certificate/);
});

test("every node gets a configuration that check finds good, and files that only their owner can read", async (t) => {
  const bed = await Bed.open(t);
  const directory = bed.path("cluster");
  const { out, err, code } = init(
    "--directory",
    directory,
    "--cluster",
    "a=192.0.2.1",
    "b=192.0.2.2",
    "c=tracker.example@east",
  );
  assert.deepEqual({ err, code }, { err: "", code: 0 });
  assert.match(out, /IN A 192\.0\.2\.1\n.*IN A 192\.0\.2\.2\n.*scp -r .*\/c root@tracker\.example:/s);
  for (const [name, others] of [
    ["a", ["tls://192.0.2.2:4222"]],
    ["b", ["tls://192.0.2.1:4222"]],
    ["c", []],
  ] as const) {
    const own = join(directory, name);
    const installed = (path: string) =>
      readFromDisk(
        path.replace("/etc/btrt/cluster_ca.pem", bed.path("ca.pem")).replace("/etc/btrt/", `${own}/`),
      );
    execFileSync("sh", ["-c", `echo -----BEGIN CERTIFICATE----- > ${bed.path("ca.pem")}`]);
    const { config, problems } = await loadConfig({ configFile: join(own, "btrt.conf") }, installed);
    assert.deepEqual(problems, []);
    assert.deepEqual(config?.cluster?.servers, ["tls://127.0.0.1:4222", ...others]);
    assert.deepEqual([config?.cluster?.node, config?.cluster?.site], [name, name === "c" ? "east" : "main"]);
    for (const file of ["cluster_nkey", "cluster_secret", "btrt.conf", "nats-server.conf"])
      assert.equal((await stat(join(own, file))).mode & 0o777, 0o600, file);
  }
});

test("run again with one more node, it keeps the secret, keys and certificates", {
  skip: toolsMissing(["openssl"]),
}, async (t) => {
  const bed = await Bed.open(t);
  const directory = bed.path("cluster");
  const read = (file: string) => readFile(join(directory, file), "utf8");
  const kept = ["cluster_secret", "b/cluster_secret", "b/cluster_nkey", "b/server.pem", "ca.pem"];
  assert.equal(init("--directory", directory, "--cluster", "a=192.0.2.1", "b=192.0.2.2").code, 0);
  execFileSync("sh", [join(directory, "certificates.sh")], { stdio: "pipe" });
  const before = await Promise.all(kept.map(read));
  const more = ["--directory", directory, "--cluster", "c=192.0.2.3", "a=192.0.2.1", "b=192.0.2.2"];
  const refused = init(...more);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^btrt: .* exists; --force writes its configurations again/);
  assert.equal(init(...more, "--force").code, 0);
  execFileSync("sh", [join(directory, "certificates.sh")], { stdio: "pipe" });
  assert.deepEqual(await Promise.all(kept.map(read)), before);
  assert.match(await read("b/nats-server.conf"), /btrt1\.btrt\.c\.>.*nats:\/\/192\.0\.2\.3:6222/s);
  assert.notEqual(await read("c/cluster_nkey"), await read("b/cluster_nkey"));
  assert.match(await read("c/server.pem"), /BEGIN CERTIFICATE/);
});

test("all mistakes in nodes are reported, and nothing is written", async (t) => {
  const bed = await Bed.open(t);
  const directory = bed.path("cluster");
  const wrong = ["a", "B=192.0.2.1", "c=192.0.2", "d=192.0.2.1@a.b", "d=192.0.2.4", "e=;x"];
  const { err, code } = init("--directory", directory, "--cluster", ...wrong);
  assert.equal(code, 1);
  for (const part of [
    '"a" is not NAME=ADDRESS',
    '"B=192.0.2.1": a name must be',
    '"192.0.2" is not',
    '"d=192.0.2.1@a.b": a name',
    "two nodes have the name",
    "two nodes have the address",
    '";x" is not',
  ])
    assert.ok(err.includes(part), `${part}\n${err}`);
  assert.match(init("--directory", directory, "--cluster", "a=192.0.2.1").err, /at least two nodes/);
  assert.match(init("--directory", directory, "--cluster").err, /nodes of the cluster are missing/);
  await assert.rejects(stat(directory), { code: "ENOENT" });
});
