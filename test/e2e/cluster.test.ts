/** Three trackers and three nats-servers: real processes that are killed, and clients that ask any of them. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { announce, scrape } from "../support/announce.ts";
import { askAdmin } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { freePort } from "../support/free-port.ts";
import { NATS_TOOLS, type NatsServer, startNats } from "../support/nats.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const skip = toolsMissing(NATS_TOOLS);
const NAMES = ["a", "b", "c"];
const MB = 2 ** 20;
const HASHES = Array.from({ length: 20 }, (_, i) => Buffer.alloc(20, i * 12 + 7));

/** Announces are numbered: each number is another client. */
const addressOf = (client: number) => `11.0.${client >> 8}.${client & 255}`;
const hashOf = (client: number) => HASHES[client % HASHES.length];

interface ClusterAnswer {
  readonly state: string;
  readonly nodes: readonly {
    readonly node: string;
    readonly isSelf: boolean;
    readonly state: string;
    readonly received: number;
  }[];
}

/** Three trackers that are one. A tracker can be killed and started again. */
class Trio {
  readonly servers: readonly NatsServer[];
  readonly trackers: TrackerProcess[] = [];
  readonly #bed: Bed;
  readonly #ports: readonly number[];

  private constructor(bed: Bed, servers: readonly NatsServer[], ports: readonly number[]) {
    this.#bed = bed;
    this.servers = servers;
    this.#ports = ports;
  }

  static async start(t: TestContext): Promise<Trio> {
    const bed = await Bed.open(t);
    await writeFile(bed.path("secret"), `${"0123456789abcdef".repeat(4)}\n`, { mode: 0o600 });
    const servers = await startNats(bed, { servers: 3 });
    const trio = new Trio(bed, servers, [await freePort(), await freePort(), await freePort()]);
    for (const i of NAMES.keys()) await trio.run(i);
    await trio.caughtUp();
    return trio;
  }

  /** Starts a tracker, at first or again. */
  async run(i: number): Promise<void> {
    const config = [
      `listen: { http: ["127.0.0.1:${this.#ports[i]}"], udp: [] }`,
      `tracker: { ip_parameter: ["127.0.0.0/8"], numwant_max: 1000, max_peers: 100000 }`,
      `peer_groups: [{ name: home, priority: 0, cidr_list: ["11.0.0.0/8"] }]`,
      // A poll of another tracker is answered with all peers.
      "selection: { policy: nearest }",
      `database: { url: "sqlite:${this.#bed.path(`${NAMES[i]}.db`)}", save_interval: 1 }`,
      `cluster: { node: ${NAMES[i]}, servers: ["${this.servers[i].url}"], secret_file: "${this.#bed.path("secret")}" }`,
    ].join("\n");
    this.trackers[i] = await TrackerProcess.start(this.#bed, config, { name: NAMES[i] });
  }

  async caughtUp(): Promise<void> {
    for (const i of NAMES.keys())
      await until(`${NAMES[i]} has caught up`, async () => {
        const { state, nodes } = await this.cluster(i);
        return state === "current" && nodes.length === 3 && nodes.every((node) => node.state === "live");
      });
  }

  /** Waits until the others have received so many records of a tracker. */
  async replicated(from: number, records: number): Promise<void> {
    for (const i of NAMES.keys())
      await until(`${NAMES[i]} has heard ${records} times of ${NAMES[from]}`, async () => {
        const { nodes } = await this.cluster(i);
        return nodes.every(
          ({ node, isSelf, received }) => isSelf || node !== NAMES[from] || received === records,
        );
      });
  }

  async cluster(i: number): Promise<ClusterAnswer> {
    const { body } = await askAdmin(`${this.trackers[i].admin}api/v1/status`);
    return JSON.parse(body).cluster;
  }

  /** Announces to a tracker as a client. */
  async say(i: number, client: number, fields: object = {}) {
    const what = { infoHash: hashOf(client), port: 6881, ip: addressOf(client), numWant: 0 };
    return await announce(this.trackers[i].url, { ...what, ...fields });
  }

  /** All peers that a tracker has. */
  async peers(i: number): Promise<string[]> {
    const all = HASHES.map(async (hash) => {
      const poll = { infoHash: hash, peerId: "0123456789012345678A", port: 1, left: 1, numWant: 1000 };
      const { peers } = await announce(this.trackers[i].url, poll);
      return peers.map((peer) => `${hash[0]} ${peer}`);
    });
    return (await Promise.all(all)).flat().sort();
  }

  /** Waits until all trackers have these clients. @returns after how many milliseconds. */
  async identical(clients: readonly number[]): Promise<number> {
    const begin = performance.now();
    const wanted = clients.map((client) => `${hashOf(client)[0]} ${addressOf(client)}:6881`).sort();
    for (const i of NAMES.keys())
      await until(`${NAMES[i]} has all peers`, async () => {
        return (await this.peers(i)).join() === wanted.join();
      });
    return Math.round(performance.now() - begin);
  }
}

test("a client that alternates counts once, and all trackers say the same", {
  skip,
  timeout: 400_000,
}, async (t) => {
  const trio = await Trio.start(t);
  for (let turn = 0; turn <= 6; turn++) {
    await trio.say(turn % 3, 1, {
      downloaded: turn * MB,
      left: 10 * MB,
      ...(turn === 0 && { event: "started" }),
    });
    await trio.replicated(turn % 3, 1 + Math.floor(turn / 3));
  }
  await trio.say(1, 1, { downloaded: 7 * MB, left: 0, event: "completed" });
  await trio.replicated(1, 3);
  for (const i of NAMES.keys()) await trio.say(i, 1, { downloaded: 7 * MB, left: 0 });
  let downloaded = 0;
  for (const { url, admin } of trio.trackers) {
    assert.deepEqual(await scrape(url, hashOf(1)), { complete: 1, incomplete: 0, downloaded: 1 });
    const { body } = await askAdmin(`${admin}metrics`);
    for (const [, value] of body.matchAll(/^btrt_member_traffic_bytes_total\{direction="down"\} (\S+)$/gm))
      downloaded += Number(value);
  }
  assert.equal(downloaded, 7 * MB);
});

test("each tracker is killed in turn: the others know all peers, and it has them again in seconds", {
  skip,
  timeout: 600_000,
}, async (t) => {
  const trio = await Trio.start(t);
  const clients: number[] = [];
  const hear = async (i: number, count: number) => {
    for (let n = 0; n < count; n++) {
      const client = clients.length;
      clients.push(client);
      await trio.say(i, client);
    }
  };
  for (const i of NAMES.keys()) await hear(i, 50);
  await trio.identical(clients);
  for (const victim of NAMES.keys()) {
    await trio.trackers[victim].process.stop("SIGKILL");
    const survivors = [0, 1, 2].filter((i) => i !== victim);
    for (const i of survivors) await hear(i, 20);
    // What was heard a second ago is known to both: long before digests are compared, which would repair it.
    for (const i of survivors)
      await until("the survivors agree", async () => (await trio.peers(i)).length === clients.length, 20_000);
    await trio.run(victim);
    const took = await trio.identical(clients);
    t.diagnostic(`${NAMES[victim]} was identical ${took} ms after it was ready`);
  }
});

test("servers are killed, paused, and all gone: announces are answered, and all is known afterwards", {
  skip,
  timeout: 600_000,
}, async (t) => {
  const trio = await Trio.start(t);
  const clients: number[] = [];
  let next = 0;
  const hear = async () => {
    for (let n = 0; n < 30; n++) {
      clients.push(next);
      await trio.say(n % 3, next++);
    }
  };
  const leave = async (i: number) => {
    const [client] = clients.splice(5, 1);
    await trio.say(i, client, { event: "stopped" });
  };
  await hear();
  await trio.servers[0].kill();
  await hear();
  await leave(1);
  await trio.servers[0].start();
  t.diagnostic(`identical ${await trio.identical(clients)} ms after a server was started again`);
  trio.servers[1].pause();
  await hear();
  await leave(1);
  await new Promise((resolve) => setTimeout(resolve, 6000));
  trio.servers[1].resume();
  t.diagnostic(`identical ${await trio.identical(clients)} ms after a server went on`);
  await Promise.all(trio.servers.map((server) => server.kill()));
  await hear();
  await leave(2);
  await Promise.all(trio.servers.map((server) => server.start()));
  t.diagnostic(`identical ${await trio.identical(clients)} ms after all servers were started again`);
});

test("what a tracker answers while it ends reaches the others", { skip, timeout: 400_000 }, async (t) => {
  const trio = await Trio.start(t);
  const clients = Array.from({ length: 2000 }, (_, i) => i);
  for (let from = 0; from < clients.length; from += 50)
    await Promise.all(clients.slice(from, from + 50).map((client) => trio.say(1, client)));
  await trio.identical(clients);
  const ending = trio.trackers[0].stop();
  const left = new Set(clients);
  const stopped = async (client: number) => {
    try {
      await trio.say(0, client, { event: "stopped" });
      left.delete(client);
      return true;
    } catch {
      return false;
    }
  };
  // One after the other, so that only the last one may be answered or not.
  let unsure = 0;
  while (await stopped(unsure)) unsure++;
  await ending;
  t.diagnostic(`${unsure} stops were answered`);
  for (const i of [1, 2])
    await until(
      `${NAMES[i]} knows all stops`,
      async () => {
        const peers = await trio.peers(i);
        return peers.length === left.size || peers.length === left.size - 1;
      },
      10_000,
    );
});
