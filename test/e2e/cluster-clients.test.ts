/** Real clients with several trackers of a cluster, of which one is dead. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { announce, scrape } from "../support/announce.ts";
import { Bed, until } from "../support/bed.ts";
import { CLIENT_KINDS, type ClientKind } from "../support/clients.ts";
import { freePort } from "../support/free-port.ts";
import { NATS_TOOLS, startNats } from "../support/nats.ts";
import { toolsMissing } from "../support/tools.ts";
import { makeTorrent } from "../support/torrent.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

/** The nodes' addresses. The torrent's name has all of them, as with three A records. */
const ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.0.0.3"] as const;
const { aria2, libtorrent } = CLIENT_KINDS;

/** BEP 15. */
const CONNECT = { magic: 0x41727101980n, action: 0 } as const;
const ANNOUNCE = { action: 1, bytes: 98 } as const;

/** Starts a node at an address and port. The port 0 is any. */
async function startNode(bed: Bed, i: number, server: string, port: number): Promise<TrackerProcess> {
  const name = `n${i + 1}`;
  await writeFile(bed.path("secret"), "0123456789abcdef0123456789abcdef\n");
  const config = [
    "workers: 1",
    `listen: { http: ["${ADDRESSES[i]}:${port}"], udp: ["${ADDRESSES[i]}:${port}"] }`,
    `database: { url: "sqlite:${name}.db" }`,
    `cluster: { node: ${name}, secret_file: secret, servers: ["${server}"] }`,
  ];
  return await TrackerProcess.start(bed, `${config.join("\n")}\n`, { name });
}

/** Three nodes that hear each other, on the same port. */
async function startThree(bed: Bed): Promise<TrackerProcess[]> {
  const [server] = await startNats(bed);
  const port = await freePort();
  const nodes = await Promise.all(ADDRESSES.map((_, i) => startNode(bed, i, server.url, port)));
  for (const node of nodes)
    await until("all nodes hear each other", () => {
      const joined = node.log.filter(({ msg }) => msg === "a node has joined the cluster");
      return new Set(joined.map((line) => line.node)).size === 2;
    });
  return nodes;
}

test("clients that know three nodes, of which one is dead, go on and finish", {
  skip: toolsMissing([...NATS_TOOLS, "aria2", "python3-libtorrent"]),
  timeout: 300_000,
  concurrency: true,
}, async (t) => {
  const bed = await Bed.open(t);
  const nodes = await startThree(bed);
  await nodes[0].process.stop("SIGKILL");
  const transfers: readonly (readonly [ClientKind, ClientKind, "http" | "udp"])[] = [
    [aria2, libtorrent, "http"],
    [libtorrent, aria2, "http"],
    [libtorrent, libtorrent, "udp"],
  ];
  const run = ([seeder, leecher, scheme]: (typeof transfers)[number]) =>
    t.test(`from ${seeder.name} to ${leecher.name}, over ${scheme}`, async () => {
      const urls = nodes.map((node) => (scheme === "http" ? node.url : node.udpUrls[0]));
      const name = `${seeder.name}-${leecher.name}-${scheme}`;
      // The seeder's list begins with the dead node and the second, the leecher's with the dead one and the third.
      const torrent = await makeTorrent(bed.directory, name, urls[0]);
      const seeding = await torrent.withTrackers(`${name}-seed`, [urls[0], urls[1]]);
      const leeching = await torrent.withTrackers(`${name}-leech`, [urls[0], urls[2]]);
      const directory = bed.path(`${name}.leech`);
      const common = { address: "127.0.0.1" };
      await seeder.start(bed, {
        ...common,
        torrent: seeding,
        directory: torrent.seedDirectory,
        port: await freePort(),
        seed: true,
      });
      await until("the third node knows the seeder", async () => {
        return (await scrape(nodes[2].url, torrent.infoHash)).complete === 1;
      });
      await leecher.start(bed, {
        ...common,
        torrent: leeching,
        directory,
        port: await freePort(),
        seed: false,
      });
      await until("the payload has arrived", () => torrent.isCompleteIn(directory));
      for (const node of nodes.slice(1))
        await until("both count the download once", async () => {
          const { complete, downloaded } = await scrape(node.url, torrent.infoHash);
          return complete === 2 && downloaded === 1;
        });
    });
  await Promise.all(transfers.map(run));
});

test("a UDP client goes on with its connection id when the address has moved to another node", {
  skip: toolsMissing(NATS_TOOLS),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const [server] = await startNats(bed);
  const port = await freePort();
  const [first, other] = await Promise.all([
    startNode(bed, 0, server.url, port),
    startNode(bed, 1, server.url, port),
  ]);
  await other.logged("the other node", ({ msg }) => msg === "a node has joined the cluster");
  const client = createSocket("udp4");
  client.bind(0, "127.0.0.1");
  await once(client, "listening");
  t.after(() => client.close());
  const infoHash = Buffer.alloc(20, 9);
  const id = await connectTo(client, port, ADDRESSES[0]);
  await announce(first.url, { infoHash, port: 7001, left: 0 });
  await until("the other node knows the seeder", async () => {
    return (await scrape(other.url, infoHash)).complete === 1;
  });
  // The first node is gone, and the other has its address: the id of the first is good there.
  await first.process.stop("SIGKILL");
  await other.stop();
  const moved = await TrackerProcess.start(
    bed,
    `workers: 1
listen: { http: ["${ADDRESSES[0]}:${port}"], udp: ["${ADDRESSES[0]}:${port}"] }
database: { url: "sqlite:n2.db" }
cluster: { node: n2, secret_file: secret, servers: ["${server.url}"] }
`,
    { name: "n2" },
  );
  const reply = await exchange(client, announceRequest(id, infoHash, 7002), port, ADDRESSES[0]);
  assert.equal(reply.readUInt32BE(0), ANNOUNCE.action, reply.toString("latin1", 8));
  assert.deepEqual([...reply.subarray(20, 26)], [127, 0, 0, 1, 7001 >> 8, 7001 & 0xff]);
  assert.equal(await moved.stop(), 0);
});

/** Sends a request until there is a reply. */
async function exchange(
  client: ReturnType<typeof createSocket>,
  request: Buffer,
  port: number,
  address: string,
): Promise<Buffer> {
  let reply: Buffer | undefined;
  client.once("message", (bytes) => {
    reply = bytes;
  });
  await until("there is a reply", () => {
    if (reply === undefined) client.send(request, port, address);
    return reply !== undefined;
  });
  return reply ?? Buffer.alloc(0);
}

/** @returns a connection id. */
async function connectTo(
  client: ReturnType<typeof createSocket>,
  port: number,
  address: string,
): Promise<bigint> {
  const request = Buffer.alloc(16);
  request.writeBigUInt64BE(CONNECT.magic, 0);
  request.writeUInt32BE(CONNECT.action, 8);
  return (await exchange(client, request, port, address)).readBigUInt64BE(8);
}

/** An announce of a leecher. */
function announceRequest(id: bigint, infoHash: Uint8Array, port: number): Buffer {
  const request = Buffer.alloc(ANNOUNCE.bytes);
  request.writeBigUInt64BE(id, 0);
  request.writeUInt32BE(ANNOUNCE.action, 8);
  request.set(infoHash, 16);
  request.writeBigUInt64BE(1n, 64);
  request.writeInt32BE(-1, 92);
  request.writeUInt16BE(port, 96);
  return request;
}
