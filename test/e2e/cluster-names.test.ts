/** Real clients with one name that has an address record for each node of a cluster. One of the nodes is dead. */
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { Bed, ip, until } from "../support/bed.ts";
import { CLIENT_KINDS, type ClientKind } from "../support/clients.ts";
import { NATS_TOOLS, startNats } from "../support/nats.ts";
import { fetchIn, namespacesMissing } from "../support/networks.ts";
import { nft, readCounters } from "../support/nftables.ts";
import { toolsMissing } from "../support/tools.ts";
import { makeTorrent, type Torrent } from "../support/torrent.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const NAME = "tracker.example";
const PORT = 6969;
const NODES = ["203.0.113.1", "203.0.113.2", "203.0.113.3"] as const;
const DEAD = NODES[0];
/** Each client has an address of its own: some connect once to an address. */
const CLIENTS = Array.from({ length: 6 }, (_, i) => `203.0.113.${100 + i}`);
const { aria2, libtorrent, transmission } = CLIENT_KINDS;
/** aria2 seeds: it announces from its own address, though the trackers are on the same machine. */
const TRANSFERS: readonly (readonly [ClientKind, ClientKind])[] = [
  [aria2, transmission],
  [aria2, libtorrent],
  [aria2, aria2],
];

/** A network with the nodes, a name server and the clients. */
async function build(bed: Bed): Promise<{ namespace: string; nodes: readonly TrackerProcess[] }> {
  const namespace = bed.addNamespace("names");
  for (const address of [...NODES, ...CLIENTS]) ip(`-n ${namespace} addr add ${address}/32 dev lo`);
  bed.setResolver(namespace, "127.0.0.1");
  const records = NODES.map((address) => `--host-record=${NAME},${address}`);
  bed.run(
    ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", ...records],
    namespace,
  );
  const [server] = await startNats(bed, { places: [{ host: "127.0.0.1", namespace }] });
  await writeFile(bed.path("secret"), "0123456789abcdef0123456789abcdef\n");
  const start = (address: string, i: number) => {
    const name = `n${i + 1}`;
    const config = `workers: 1
listen: { http: ["${address}:${PORT}"], udp: [] }
admin: { listen: "127.0.0.1:${7070 + i}" }
database: { url: "sqlite:${name}.db" }
cluster: { node: ${name}, secret_file: secret, servers: ["${server.url}"] }
`;
    return TrackerProcess.start(bed, config, { name, namespace });
  };
  const nodes = await Promise.all(NODES.map(start));
  // Connections to the dead node are counted.
  const rules = `table ip asked {\ncounter dead { }\nchain in {\ntype filter hook input priority 0;\nip daddr ${DEAD} tcp dport ${PORT} tcp flags == syn counter name dead\n}\n}\n`;
  nft(namespace, ["-f", "-"], rules);
  return { namespace, nodes };
}

/** What a node says of a torrent. */
async function countsOf(bed: Bed, namespace: string, { url }: TrackerProcess, { infoHash }: Torrent) {
  const hash = [...infoHash].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const text = await fetchIn(bed, namespace, `${url.replace("announce", "scrape")}?info_hash=${hash}`);
  const [, complete, downloaded] = /8:completei(\d+)e10:downloadedi(\d+)e/.exec(text) ?? [];
  return { complete: Number(complete), downloaded: Number(downloaded) };
}

test("clients with one name and three address records go on and finish, though one node is dead", {
  skip:
    toolsMissing([
      ...NATS_TOOLS,
      "aria2",
      "python3-libtorrent",
      "transmission-cli",
      "dnsmasq-base",
      "nftables",
    ]) || namespacesMissing(),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const { namespace, nodes } = await build(bed);
  await nodes[0].process.stop("SIGKILL");
  const transfer = async ([seeder, leecher]: (typeof TRANSFERS)[number], i: number) => {
    const name = `${seeder.name}-${leecher.name}`;
    const torrent = await makeTorrent(bed.directory, name, `http://${NAME}:${PORT}/announce`);
    const directory = bed.path(`${name}.leech`);
    const [from, to] = CLIENTS.slice(2 * i);
    const port = 20_000 + 2 * i;
    const seeding = { torrent, port, address: from, directory: torrent.seedDirectory, seed: true };
    const leeching = { torrent, port: port + 1, address: to, directory, seed: false };
    const begun = performance.now();
    await seeder.start(bed, seeding, namespace);
    for (const node of nodes.slice(1))
      await until("both nodes know the seeder", async () => {
        return (await countsOf(bed, namespace, node, torrent)).complete === 1;
      });
    const seeded = performance.now();
    await leecher.start(bed, leeching, namespace);
    await until(`the payload has arrived from ${name}`, () => torrent.isCompleteIn(directory));
    for (const node of nodes.slice(1))
      await until("both nodes count the download once", async () => {
        const { complete, downloaded } = await countsOf(bed, namespace, node, torrent);
        return complete === 2 && downloaded === 1;
      });
    const [seed, leech] = [seeded - begun, performance.now() - seeded].map(Math.round);
    t.diagnostic(
      `${name}: the seeder was known after ${seed} ms, the download was counted after ${leech} ms`,
    );
  };
  await Promise.all(TRANSFERS.map(transfer));
  const { dead } = readCounters(namespace, "ip asked");
  // By chance, it may be none.
  t.diagnostic(`the dead node was tried ${dead} times`);
});
