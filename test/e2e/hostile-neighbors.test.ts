/** Neighbors that are down, slow or lie: clients are answered as usual, and each such neighbor is backing off. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { announce } from "../support/announce.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { freePort } from "../support/free-port.ts";
import { type BehaviourName, HostileTracker, HostileUdpTracker } from "../support/hostile-tracker.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const QUERY = "?info_hash={info_hash}&peer_id={peer_id}&port={port}&left=1&compact=1&numwant={numwant}";

/** The behaviour of each neighbor, and the failure that BTRT reports. */
const HOSTILE: Partial<Record<BehaviourName, string>> = {
  silent: "timeout",
  "slow headers": "timeout",
  "slow body": "timeout",
  garbage: "not HTTP",
  "garbage body": "not bencode",
  html: "not bencode",
  "empty body": "not bencode",
  "deeply nested": "not bencode",
  "wrong length": "not an announce",
  "wrong length of peers6": "not an announce",
  "something else": "not an announce",
  "endless body": "too large",
  "endless chunks": "too large",
  "gzip bomb": "too large",
  "deflate bomb": "too large",
  "gzip cut off": "encoding",
  "header flood": "headers",
  "closed at once": "cut",
  "closed in body": "incomplete",
  reset: "cut",
  "redirect loop": "redirect",
  "redirect to a file": "redirect",
  "redirect inside": "address",
  "not found": "404",
  "server error": "500",
};

/** Whether it does not reply, or not completely. */
const isSlow = (name: string) => /silent|slow|udp/.test(name);

/** Swarms that are announced: one more than failures in a row after which a neighbor is backing off. */
const SWARMS = 6;

test("hostile neighbors are backing off, and harm nobody", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const http = await HostileTracker.start();
  const [udp, udpGarbage] = [await HostileUdpTracker.start(), await HostileUdpTracker.start()];
  udpGarbage.answer = (datagram, send) => send(Buffer.concat([datagram, randomBytes(50)]));
  const downPort = await freePort();
  t.after(async () => {
    await http.stop();
    udp.stop();
    udpGarbage.stop();
  });
  const names = Object.keys(HOSTILE) as BehaviourName[];
  const urls: [string, string][] = [
    ...names.map((name): [string, string] => [name, http.url(name, QUERY)]),
    ["udp, silent", udp.url],
    ["udp, garbage", udpGarbage.url],
    ["down", `http://127.0.0.1:${downPort}/good${QUERY}`],
    ["refusing", http.url("failure reason", QUERY)],
    ["well-behaved", http.url("one redirect", QUERY)],
  ];
  const neighbors = urls.map(([name, url]) => ({
    name,
    announce_request: url,
    timeout: isSlow(name) ? 1 : 20,
  }));
  const listen = `listen: { http: ["127.0.0.1:0"], udp: [] }\n`;
  const tracker = await TrackerProcess.start(bed, `${listen}neighbors: ${JSON.stringify(neighbors)}\n`);
  const states = async () => (await askStatus(tracker.admin)).neighbors;
  const find = async (name: string) => {
    const found = (await states()).find((each) => each.name === name);
    assert.ok(found, name);
    return found;
  };

  const swarms = Array.from({ length: SWARMS }, () => randomBytes(20));
  for (const infoHash of swarms)
    assert.deepEqual((await announce(tracker.url, { infoHash, port: 9 })).peers, []);
  const healthy = ["refusing", "well-behaved"];
  await until("these have been asked about all, and all others are backing off", async () =>
    (await states()).every(({ name, state, answered }) =>
      healthy.includes(name) ? answered === SWARMS : state !== "asked",
    ),
  );
  for (const { name, lastFailure, state, refused, answered } of await states()) {
    if (name in HOSTILE)
      assert.ok(lastFailure?.includes(HOSTILE[name as BehaviourName] ?? ""), `${name}: ${lastFailure}`);
    if (name.startsWith("udp")) assert.match(String(lastFailure), /timeout/);
    if (name === "down") assert.match(String(lastFailure), /refused/);
    if (name === "well-behaved") assert.equal(lastFailure, null);
    if (healthy.includes(name)) assert.deepEqual([state, answered], ["asked", SWARMS], name);
    assert.equal(refused, name === "refusing" ? SWARMS : 0, name);
  }
  for (const infoHash of swarms) {
    const { peers, complete, incomplete } = await announce(tracker.url, { infoHash, port: 10 });
    const others = peers.filter((peer) => !peer.startsWith("127.0.0.1:"));
    assert.deepEqual(others.toSorted(), ["198.51.100.1:6881", "198.51.100.2:6882"]);
    assert.deepEqual([complete, incomplete], [0, 2], "only who announced is counted");
  }
  for (const [name] of urls) {
    const lines = tracker.log.filter(({ level, neighbor }) => level === "warning" && neighbor === name);
    assert.equal(lines.length, healthy.includes(name) ? 0 : 1, `${name}: ${lines.map(({ msg }) => msg)}`);
  }

  const back = await HostileTracker.start("127.0.0.1", downPort);
  t.after(() => back.stop());
  await until("the one that was down is asked again", async () => {
    await announce(tracker.url, { infoHash: randomBytes(20), port: 9 });
    return (await find("down")).state === "asked";
  });
  await tracker.logged("that it answers", (line) => line.neighbor === "down" && /answers/.test(line.msg));
  assert.equal(await tracker.stop(), 0);
});
