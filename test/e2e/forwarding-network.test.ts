/**
 * Forwarded announces, end to end: a router redirects the announces of subscribers' clients to an outside tracker,
 * first directly to BTRT, then to a proxy in front of it, as in the guide. The torrents have only that tracker.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { statusSchema } from "../../src/admin/status.ts";
import { readMetrics } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { Capture } from "../support/capture.ts";
import { CLIENT_KINDS, startLibtorrents } from "../support/clients.ts";
import type { BehaviourName } from "../support/hostile-tracker.ts";
import { fetchIn, Internet, type Network, namespacesMissing } from "../support/networks.ts";
import { nft } from "../support/nftables.ts";
import { startOpentracker } from "../support/opentracker.ts";
import { toolsMissing } from "../support/tools.ts";
import { makeTorrent, type Torrent } from "../support/torrent.ts";
import { TrackerProcess } from "../support/tracker-process.ts";
import { Traffic } from "../support/traffic.ts";

const HOSTILE = fileURLToPath(new URL("./hostile-trackers.ts", import.meta.url));
const GUIDE = fileURLToPath(new URL("../../docs/forwarded-announce.md", import.meta.url));
const EXTERNAL_PORT = 6969;
const CLIENT_PORT = 6881;
/** Where BTRT and the proxy listen: on the router itself. */
const PORT = 8080;
const PROXY_PORT = 3128;

const SUBSCRIBERS = { prefix: "203.0.113.0/24", hosts: "203.0.113" };
/** The minimum of a payload that each client sends. */
const BLOCK_BYTES = 16_384;
/** Public addresses: others are not accepted from an upstream tracker. */
const OUTSIDE = {
  prefix: "45.10.20.0/24",
  hosts: "45.10.20",
  tracker: "45.10.20.1",
  hostile: "45.10.20.2",
};

interface Scene {
  readonly bed: Bed;
  readonly internet: Internet;
  readonly subscribers: Network;
  readonly outside: Network;
  readonly tracker: TrackerProcess;
}

/** How the router forwards announces. */
const WAYS = {
  DNAT: { port: PORT, trust: { clients: [SUBSCRIBERS.prefix] }, proxy: undefined },
  "DNAT to HAProxy": { port: PROXY_PORT, trust: { sources: ["192.0.2.1"] }, proxy: "haproxy" },
  "DNAT to nginx": { port: PROXY_PORT, trust: { sources: ["192.0.2.1"] }, proxy: "nginx" },
} as const;
type Way = keyof typeof WAYS;

async function build(bed: Bed, way: Way): Promise<Scene> {
  const internet = new Internet(bed);
  const subscribers = internet.addNetwork("subscribers", [SUBSCRIBERS.prefix]);
  const outside = internet.addNetwork("outside", [OUTSIDE.prefix]);
  const { port, trust, proxy } = WAYS[way];
  const redirect = `table ip redirection {
    chain prerouting {
      type nat hook prerouting priority dstnat
      ip saddr ${SUBSCRIBERS.prefix} tcp dport ${EXTERNAL_PORT} dnat to ${internet.address}:${port}
    }
  }\n`;
  nft(internet.core, ["-f", "-"], redirect);
  const groups = [{ name: "subscribers", priority: 0, cidr_list: [SUBSCRIBERS.prefix] }];
  const config = [
    `listen: { http: ["${internet.address}:${PORT}"], udp: [] }`,
    `peer_groups: ${JSON.stringify(groups)}`,
    "selection: { policy: bridged, patience: 10 }",
    // The copies of the seeders at home count from their first announce on.
    "hashlist: { min_dwell: 0 }",
    `forwarded_announce: ${JSON.stringify({ ...trust, timeout: 1 })}`,
  ].join("\n");
  const tracker = await TrackerProcess.start(bed, config, { namespace: internet.core });
  if (proxy !== undefined) await startProxy(bed, internet, proxy);
  return { bed, internet, subscribers, outside, tracker };
}

/** A proxy as in the guide, at other addresses. @param name the language of its block there. */
async function startProxy(bed: Bed, { core, address }: Internet, name: "haproxy" | "nginx"): Promise<void> {
  const guide = readFileSync(GUIDE, "utf8");
  const [, recipe] = new RegExp(`\`\`\`${name}\n(.*?)\`\`\``, "s").exec(guide) ?? [];
  assert.ok(recipe, `the guide has a recipe for ${name}`);
  const settings = bed.path(`${name}.conf`);
  const ours = `${address}:${PORT}`;
  const adapted = recipe.replace(/192\.0\.2\.1(:80)?\b/, ours).replace("8000", String(PROXY_PORT));
  writeFileSync(settings, adapted);
  const daemonless = `daemon off; master_process off; pid ${bed.path("nginx.pid")}; error_log stderr;`;
  const command = {
    haproxy: ["haproxy", "-db", "-f", settings],
    nginx: ["nginx", "-c", settings, "-g", daemonless],
  };
  const running = bed.run(command[name], core);
  await until(`${name} listens`, () => {
    if (running.end !== undefined) throw new Error(running.stderr);
    const listening = execFileSync("ip", ["netns", "exec", core, "ss", "-ltn"], { encoding: "utf8" });
    return listening.includes(`:${PROXY_PORT} `);
  });
}

/** A client of a network, by the last number of its address. It has the payload if `directory` is set. */
function client(bed: Bed, torrent: Torrent, hosts: string, host: number, seedDirectory?: string) {
  return {
    torrent,
    directory: seedDirectory ?? bed.path(`${torrent.fileName}.${hosts}.${host}`),
    address: `${hosts}.${host}`,
    port: CLIENT_PORT,
    seed: seedDirectory !== undefined,
  };
}

async function untilComplete(torrent: Torrent, clients: readonly { directory: string }[]): Promise<void> {
  await until("every client has the payload", async () => {
    const complete = clients.map(({ directory }) => torrent.isCompleteIn(directory));
    return (await Promise.all(complete)).every(Boolean);
  });
}

const skip =
  toolsMissing([
    "aria2",
    "python3-libtorrent",
    "rtorrent",
    "opentracker",
    "haproxy",
    "nginx-light",
    "iproute2",
    "nftables",
  ]) || namespacesMissing();
const options = { skip, timeout: 300_000 };

for (const way of Object.keys(WAYS) as Way[]) {
  test(`${way}: clients are given local peers first, and fetch from them`, options, async (t) => {
    const bed = await Bed.open(t);
    const scene = await build(bed, way);
    const { internet, subscribers, outside, tracker } = scene;
    const external = `http://${OUTSIDE.tracker}:${EXTERNAL_PORT}/announce`;
    const torrent = await makeTorrent(bed.directory, "payload", external);
    await startOpentracker(bed, outside, OUTSIDE.tracker, EXTERNAL_PORT, [torrent.infoHash]);
    const traffic = new Traffic(
      internet,
      {
        from_outside: { from: OUTSIDE.prefix, to: SUBSCRIBERS.prefix },
      },
      EXTERNAL_PORT,
    );
    const far = [10, 11].map((host) => client(bed, torrent, OUTSIDE.hosts, host, torrent.seedDirectory));
    await startLibtorrents(bed, far, outside.namespace);
    await until("the upstream tracker has its peers", async () => {
      const asked = { infoHash: torrent.infoHash, from: `${OUTSIDE.hosts}.200`, port: 9 };
      const [{ peers }] = await outside.announce(external, [asked, { ...asked, event: "stopped" }]);
      return far.every(({ address }) => peers.includes(`${address}:${CLIENT_PORT}`));
    });
    const near = [10, 11, 12, 13, 14, 15, 16, 17].map((host) =>
      client(bed, torrent, SUBSCRIBERS.hosts, host, torrent.seedDirectory),
    );
    await startLibtorrents(bed, near, subscribers.namespace);
    const capture = await Capture.start(bed, internet.core, EXTERNAL_PORT);
    await until("ours has the local ones, at the addresses they have", async () => {
      const asked = { infoHash: torrent.infoHash, from: `${SUBSCRIBERS.hosts}.200`, port: 9 };
      const [{ peers }] = await subscribers.announce(external, [asked, { ...asked, event: "stopped" }]);
      return near.every(({ address }) => peers.includes(`${address}:${CLIENT_PORT}`));
    });
    const leechers = [20, 21, 22].map((host) => client(bed, torrent, SUBSCRIBERS.hosts, host));
    await CLIENT_KINDS.aria2.start(bed, leechers[0], subscribers.namespace);
    await CLIENT_KINDS.libtorrent.start(bed, leechers[1], subscribers.namespace);
    await CLIENT_KINDS.rtorrent.start(bed, leechers[2], subscribers.namespace);
    await untilComplete(torrent, leechers);
    // A complete client may look for others anywhere.
    assert.ok(traffic.bytes("from_outside") < BLOCK_BYTES, "nobody fetched from outside");
    // On the wire to subscribers, the upstream tracker's address replies.
    const wanted = leechers.map(({ address }) => `${address}:${CLIENT_PORT}`);
    const answers = (await capture.stop()).filter(({ peer }) => wanted.includes(peer));
    assert.deepEqual([...new Set(answers.map(({ peer }) => peer))].toSorted(), wanted);
    for (const { answer, query } of answers) {
      if (query.get("event") !== "started") continue;
      assert.ok(answer.peers.length > 0);
      assert.ok(
        answer.peers.every((peer) => peer.startsWith(`${SUBSCRIBERS.hosts}.`)),
        String(answer.peers),
      );
    }
    assert.equal(await tracker.stop(), 0);
  });

  if (way === "DNAT to nginx") continue; // nginx behaves like HAProxy from here on
  test(`${way}: clients finish with the upstream tracker dead, slow or lying`, options, async (t) => {
    const bed = await Bed.open(t);
    const { subscribers, outside, tracker } = await build(bed, way);
    const hostile = bed.run(
      [process.execPath, HOSTILE, OUTSIDE.hostile, String(EXTERNAL_PORT)],
      outside.namespace,
    );
    await until("the hostile tracker listens", () => hostile.stdout !== "");
    const behaviours: BehaviourName[] = ["silent", "slow body", "html", "gzip bomb", "good"];
    const urls = behaviours.map(
      (name) => `http://${OUTSIDE.hostile}:${EXTERNAL_PORT}/${encodeURIComponent(name)}`,
    );
    urls.push(`http://${OUTSIDE.hosts}.99:${EXTERNAL_PORT}/announce`); // nothing listens there
    const torrents = await Promise.all(urls.map((url, i) => makeTorrent(bed.directory, `payload${i}`, url)));
    // One address for each torrent: all clients are in one program.
    const seeders = torrents.map((torrent, i) =>
      client(bed, torrent, SUBSCRIBERS.hosts, 10 + i, torrent.seedDirectory),
    );
    const leechers = torrents.map((torrent, i) => client(bed, torrent, SUBSCRIBERS.hosts, 100 + i));
    await startLibtorrents(bed, seeders, subscribers.namespace);
    await until("ours has the local ones", async () => {
      const counts = await Promise.all(
        torrents.map(async ({ infoHash }, i) => {
          const asked = { infoHash, from: `${SUBSCRIBERS.hosts}.200`, port: 9 };
          const [{ complete }] = await subscribers.announce(urls[i], [asked, { ...asked, event: "stopped" }]);
          return complete;
        }),
      );
      return counts.every((complete) => complete > 0);
    });
    await startLibtorrents(bed, leechers, subscribers.namespace);
    for (const [i, torrent] of torrents.entries()) await untilComplete(torrent, [leechers[i]]);
    assert.equal(await tracker.stop(), 0);
  });
}

test("clients finish with what is outside when nobody local has it", options, async (t) => {
  const bed = await Bed.open(t);
  const { internet, subscribers, outside, tracker } = await build(bed, "DNAT");
  const external = `http://${OUTSIDE.tracker}:${EXTERNAL_PORT}/announce`;
  const torrent = await makeTorrent(bed.directory, "payload", external);
  await startOpentracker(bed, outside, OUTSIDE.tracker, EXTERNAL_PORT, [torrent.infoHash]);
  const far = client(bed, torrent, OUTSIDE.hosts, 10, torrent.seedDirectory);
  await startLibtorrents(bed, [far], outside.namespace);
  await until("the upstream tracker has its peer", async () => {
    const asked = { infoHash: torrent.infoHash, from: `${OUTSIDE.hosts}.200`, port: 9 };
    const [{ peers }] = await outside.announce(external, [asked, { ...asked, event: "stopped" }]);
    return peers.includes(`${far.address}:${CLIENT_PORT}`);
  });
  const leechers = [20, 21].map((host) => client(bed, torrent, SUBSCRIBERS.hosts, host));
  await startLibtorrents(bed, leechers.slice(0, 1), subscribers.namespace);
  await CLIENT_KINDS.aria2.start(bed, leechers[1], subscribers.namespace);
  await untilComplete(torrent, leechers);

  const shown = await fetchIn(bed, internet.core, `${tracker.admin}api/v1/status`);
  const peers = statusSchema.parse(JSON.parse(shown)).forwarding?.peers;
  assert.ok(peers !== undefined && peers.named > 0 && peers.learned > 0, "the one outside");
  const metrics = readMetrics(await fetchIn(bed, internet.core, `${tracker.admin}metrics`));
  assert.ok(Number(metrics.get('btrt_upstream_peers_total{kind="learned"}')) >= peers.learned);
});
