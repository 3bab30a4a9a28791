/**
 * A rolling upgrade: one node runs the next minor version, and the other this one. The next version is this program, whose
 * messages are changed as the next one may change them (test/support/next-version/).
 */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { announce, scrape } from "../support/announce.ts";
import { Bed, until } from "../support/bed.ts";
import { ClusterRig, RIG_TOOLS } from "../support/cluster-rig.ts";
import { Crowd } from "../support/crowd/crowd.ts";
import { toolsMissing } from "../support/tools.ts";

const PER_SECOND = 200;
const AGREED_MS = 20_000;
const FIRST = 0;
const SECOND = 1;
const preload = new URL("../support/next-version/preload.ts", import.meta.url);
/** The command by which a tracker of each version is run. */
const VERSION = { present: [], next: ["env", `NODE_OPTIONS=--import ${preload}`] } as const;

/** Two nodes, and clients that start, stop and complete at both. */
class Pair {
  readonly #rig: ClusterRig;
  readonly #crowd: Crowd;
  #downloads = 0;

  private constructor(rig: ClusterRig, crowd: Crowd) {
    this.#rig = rig;
    this.#crowd = crowd;
  }

  static async start(t: TestContext): Promise<Pair> {
    const rig = await ClusterRig.start(await Bed.open(t), { sites: [2] });
    const crowd = new Crowd({ trackers: rig.crowdTrackers, swarms: 100, peersInSwarm: 12, churn: 0.1 });
    t.after(() => crowd.stop());
    await crowd.ask({ kind: "fill" });
    // Those answers are not counted below.
    await crowd.ask({ kind: "report" });
    return new Pair(rig, crowd);
  }

  /** A node is stopped, and started again with a version. */
  async restart(i: number, version: keyof typeof VERSION): Promise<void> {
    await this.#rig.trackers[i].stop();
    await this.#rig.run(i, VERSION[version]);
    await this.#rig.live();
  }

  /** The second node is replaced by one that knows nothing: it asks the first one for everything. */
  async replaceSecond(version: keyof typeof VERSION): Promise<void> {
    await this.#rig.trackers[SECOND].stop();
    await rm(this.#rig.databaseOf(SECOND));
    await this.#rig.run(SECOND, VERSION[version]);
    await this.#rig.live();
    await this.agree();
  }

  /** Clients announce, stop and complete at both nodes. */
  async announceAtBoth(): Promise<void> {
    const { trackers } = this.#rig;
    const infoHash = Buffer.alloc(20, 0xd0);
    const port = 7000 + this.#downloads;
    const client = { infoHash, port, ip: "11.9.9.9" };
    await announce(trackers[this.#downloads % 2].url, { ...client, event: "started" });
    await announce(trackers[(this.#downloads + 1) % 2].url, { ...client, left: 0, event: "completed" });
    this.#downloads++;
    await this.#crowd.ask({ kind: "rate", perSecond: PER_SECOND });
    let answered = 0;
    await until("both have answered", async () => {
      for (const report of await this.#crowd.ask({ kind: "report" })) answered += report.answered;
      return answered > 3 * PER_SECOND;
    });
    await this.#crowd.ask({ kind: "rate", perSecond: 0 });
  }

  /** What is announced while a node's server is away is fetched later, in both directions. */
  async lose(): Promise<void> {
    const { server } = this.#rig.nodes[SECOND];
    await server.kill();
    await this.announceAtBoth();
    await server.start();
    await this.#rig.live();
  }

  /** Waits until both have the same peers and counts, and all that the clients have announced. */
  async agree(): Promise<void> {
    await until(
      "both nodes have the same peers",
      async () => {
        const { differing, missing, stale } = await this.#crowd.ask({ kind: "compare" });
        return differing === 0 && [...missing, ...stale].every((peers) => peers === 0);
      },
      AGREED_MS,
    );
    for (const { url } of this.#rig.trackers)
      await until("both count the same downloads", async () => {
        const { downloaded } =
          this.#downloads === 0 ? { downloaded: 0 } : await scrape(url, Buffer.alloc(20, 0xd0));
        return downloaded === this.#downloads;
      });
  }

  /** Waits until each node says that it has missed records of the other, and fetched them. */
  async hasFetched(): Promise<void> {
    for (const i of [FIRST, SECOND])
      await until("what was missed is fetched", async () => {
        const { nodes } = await this.#rig.status(i);
        return nodes.some(({ lost, fetched }) => lost > 0 && fetched > 0);
      });
  }

  /** For which reasons a node has refused something. */
  async reasons(i: number): Promise<string[]> {
    const { refused } = await this.#rig.status(i);
    return refused.filter(({ count }) => count > 0).map(({ reason }) => reason);
  }
}

for (const [name, first, second] of [
  ["a node of the next version joins one of this version", "present", "next"],
  ["a node of this version joins one of the next version", "next", "present"],
] as const)
  test(`${name}: both know the same, and what the older one does not know is skipped and counted`, {
    skip: toolsMissing(RIG_TOOLS),
    timeout: 400_000,
  }, async (t) => {
    const pair = await Pair.start(t);
    await pair.restart(FIRST, first);
    await pair.replaceSecond(second);
    await pair.announceAtBoth();
    await pair.agree();
    await pair.lose();
    await pair.agree();
    await pair.hasFetched();
    for (const [i, version] of [first, second].entries())
      assert.deepEqual(await pair.reasons(i), version === "present" ? ["unknownKind"] : [], version);
    // The upgrade ends, or is taken back.
    const older = first === "present" ? FIRST : SECOND;
    await pair.restart(older, "next");
    await pair.announceAtBoth();
    await pair.agree();
    await pair.restart(older, "present");
    await pair.announceAtBoth();
    await pair.agree();
  });
