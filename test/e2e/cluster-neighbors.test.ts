/** A neighbor is asked by one node of a cluster, and all nodes know its peers. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { test } from "node:test";
import { announce } from "../support/announce.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { bencode } from "../support/bencode.ts";
import { NATS_TOOLS, startNats } from "../support/nats.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

test("one node asks a neighbor, and the clients of both get its peers", {
  skip: toolsMissing(NATS_TOOLS),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const [nats] = await startNats(bed);
  let asked = 0;
  const neighbor = createServer((_, response) => {
    asked++;
    const peers = String.fromCharCode(46, 1, 0, 1, 0x1a, 0xe1);
    response.end(Buffer.from(bencode({ interval: 1800, peers }), "latin1"));
  }).listen(0, "127.0.0.1");
  t.after(() => neighbor.close());
  await once(neighbor, "listening");
  const place = neighbor.address();
  const port = typeof place === "object" ? place?.port : 0;
  await writeFile(bed.path("secret"), `${"0123456789abcdef".repeat(4)}\n`, { mode: 0o600 });
  const start = async (node: string) => {
    const tracker = await TrackerProcess.start(
      bed,
      `workers: 1
listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }
database: { url: "sqlite:${node}.db" }
neighbors: [{ name: partner, announce_request: "http://127.0.0.1:${port}/announce?info_hash={info_hash}" }]
cluster: { node: ${node}, servers: ["${nats.url}"], secret_file: "${bed.path("secret")}" }
`,
      { name: node },
    );
    await until(
      "it has caught up",
      async () => (await askStatus(tracker.admin)).cluster?.state === "current",
    );
    return tracker;
  };
  const [a, b] = [await start("a"), await start("b")];
  const infoHash = Buffer.alloc(20, 7);
  const known = async ({ url }: TrackerProcess) =>
    (await announce(url, { infoHash, port: 7001 })).peers.includes("46.1.0.1:6881");
  await until("the clients of a get the neighbor's peer", () => known(a));
  await until("the clients of b get it", () => known(b));
  assert.equal(asked, 1);
});
