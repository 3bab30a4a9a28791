/** Announces over TLS, with the configurations of docs/placing.md: HAProxy decrypts, and passes the client's address on. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:https";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { announce, readAnnounceAnswer } from "../support/announce.ts";
import { Bed, until } from "../support/bed.ts";
import { blocksOf } from "../support/documentation/blocks.ts";
import { freePort } from "../support/free-port.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const NAME = "tracker.example.net";

function blockOf(language: string, mark: string): string {
  const block = blocksOf("docs/placing.md").find(
    (each) => each.language === language && each.text.includes(mark),
  );
  assert.ok(block, mark);
  return block.text;
}

/** @returns the file with certificate and key. */
function makeCertificate(bed: Bed): string {
  const [key, certificate, both] = ["key", "certificate", "tracker.pem"].map((name) => bed.path(name));
  const names = ["-subj", `/CN=${NAME}`, "-addext", `subjectAltName=DNS:${NAME}`];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  execFileSync("openssl", ["req", "-x509", ...curve, ...names, "-keyout", key, "-out", certificate], {
    stdio: "ignore",
  });
  writeFileSync(both, readFileSync(certificate, "utf8") + readFileSync(key, "utf8"));
  return both;
}

test("clients over TLS have their own addresses, and keep their connections", {
  skip: toolsMissing(["haproxy", "openssl"]),
}, async (t) => {
  const bed = await Bed.open(t);
  const [port, behind] = [await freePort(), await freePort()];
  const file = makeCertificate(bed);
  const listen = blockOf("yaml", "trusted_proxies").replace("8080", String(behind));
  const tracker = await TrackerProcess.start(bed, listen.replace(/^listen:\n/, "listen:\n  udp: []\n"));
  const settings = bed.path("haproxy.cfg");
  writeFileSync(
    settings,
    blockOf("haproxy", "send-proxy-v2")
      .replace("/etc/haproxy/tracker.pem", file)
      .replace(":::443 v4v6", `127.0.0.1:${port}`)
      .replace(":8080", `:${behind}`),
  );
  const proxy = bed.run(["haproxy", "-db", "-f", settings]);
  const infoHash = randomBytes(20);
  const path = `/announce?info_hash=${[...infoHash].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")}`;
  const agentOf = (localAddress: string) => {
    const agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      localAddress,
      servername: NAME,
      ca: readFileSync(file),
    });
    t.after(() => agent.destroy());
    return agent;
  };
  const ask = async (agent: Agent, peerPort: number) => {
    const request = get({
      host: "127.0.0.1",
      port,
      path: `${path}&peer_id=-ET0001-${peerPort}56789012&port=${peerPort}&left=1&compact=1`,
      agent,
    });
    const [response] = await once(request, "response");
    const answer = readAnnounceAnswer(await buffer(response));
    return { answer, isReused: request.reusedSocket };
  };
  const [one, two] = [agentOf("127.0.0.5"), agentOf("127.0.0.6")];
  await until("HAProxy listens", async () => {
    assert.equal(proxy.end, undefined, proxy.stderr);
    return await ask(one, 7001).then(
      () => true,
      () => false,
    );
  });
  assert.deepEqual((await ask(two, 7002)).answer.peers, ["127.0.0.5:7001"]);
  const again = await ask(one, 7001);
  assert.deepEqual(again.answer.peers, ["127.0.0.6:7002"]);
  assert.ok(again.isReused, "the connection is kept through HAProxy");
  const { peers } = await announce(tracker.url, { infoHash, port: 7003, from: "127.0.0.7" });
  assert.deepEqual(peers.sort(), ["127.0.0.5:7001", "127.0.0.6:7002"], "without TLS they are there, too");
});
