/** Two sites of a cluster in networks of their own, with the servers of `btrt init --cluster`. Their link is cut. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Bed, until } from "../support/bed.ts";
import { ClusterRig, SITES_TOOLS } from "../support/cluster-rig.ts";
import { Crowd } from "../support/crowd/crowd.ts";
import { namespacesMissing } from "../support/networks.ts";
import { toolsMissing } from "../support/tools.ts";

const PER_SECOND = 200;
/** So long that TCP alone would try again only after another ten seconds. */
const CUT_MS = 14_000;
/** A link that nats-servers take for a loop is made again after 30 seconds. */
const LINKED_MS = 15_000;
const LINK = /203\.0\.113\.(\d):7422 .* Leafnode connection created/g;
/** The bound is five seconds on a machine that does nothing else (bench/scenarios/cluster.ts). */
const AGREED_MS = 9000;

test("two sites go on when their link is cut, agree soon after, and keep their private addresses", {
  skip: toolsMissing(SITES_TOOLS) || namespacesMissing(),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const rig = await ClusterRig.start(bed, { sites: [1, 1] });
  const crowd = new Crowd(
    { trackers: rig.crowdTrackers, swarms: 100, peersInSwarm: 12, churn: 0.04, privateShare: 0.3 },
    rig.core,
  );
  t.after(() => crowd.stop());
  const report = async () => {
    const reports = await crowd.ask({ kind: "report" });
    for (const { leaks } of reports) assert.equal(leaks, 0, "a private address got to another site");
    return reports;
  };
  await crowd.ask({ kind: "fill" });
  await crowd.ask({ kind: "rate", perSecond: PER_SECOND });
  await report();
  await crowd.ask({ kind: "apart", since: Date.now() });
  rig.cut();
  await delay(CUT_MS);
  for (const { answered, checked, failed, unexplained } of await report()) {
    assert.ok(answered > 0 && checked > 0);
    assert.equal(failed, 0);
    assert.equal(unexplained, 0, "a peer of the same site, or one from before the cut, was missing");
  }
  await crowd.ask({ kind: "rate", perSecond: 0 });
  const { differing } = await crowd.ask({ kind: "compare" });
  assert.ok(differing > 0, "the sites were not apart");
  rig.heal();
  const begun = performance.now();
  await until(
    "both sites have the same peers",
    async () => {
      const { differing, missing, stale } = await crowd.ask({ kind: "compare" });
      return differing === 0 && [...missing, ...stale].every((peers) => peers === 0);
    },
    AGREED_MS,
  );
  t.diagnostic(`identical ${Math.round(performance.now() - begun)} ms after the link was back`);
  await report();
});

test("a link is made again with another server at once, though the first one has not seen it end", {
  skip: toolsMissing(SITES_TOOLS) || namespacesMissing(),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const rig = await ClusterRig.start(bed, { sites: [2, 1] });
  const remote = rig.nodes[2].server;
  /** The index of the server to which the second site is linked. */
  const linked = () => Number([...remote.log.matchAll(LINK)].at(-1)?.[1]) - 1;
  const heardSince = async (since: number, patienceMs?: number) =>
    await until(
      "all nodes have heard each other again",
      async () => {
        const seconds = (performance.now() - since) / 1000;
        const states = await Promise.all(rig.nodes.map((_, i) => rig.status(i)));
        return states.every(({ nodes }) => nodes.every(({ lastHeardSeconds }) => lastHeardSeconds < seconds));
      },
      patienceMs,
    );
  const restart = async (i: number) => {
    await rig.nodes[i].server.kill();
    await rig.nodes[i].server.start();
    await heardSince(performance.now());
  };
  for (const i of [0, 1]) {
    const { server } = rig.nodes[i];
    const text = await readFile(server.configPath, "utf8");
    const changed = text.replace('ping_interval: "2s"', 'ping_interval: "60s"');
    assert.notEqual(changed, text);
    await server.configure(changed);
    await restart(i);
  }
  // The two servers of the first site are connected after the link is made.
  await restart(1 - linked());
  const first = linked();
  const before = remote.log.length;
  rig.cut();
  await until("the second site gives the link up", () => remote.log.includes("Stale Connection", before));
  rig.heal();
  const healed = performance.now();
  await until("there is a link again", () => remote.log.includes("Leafnode connection created", before));
  assert.equal(linked(), 1 - first);
  await heardSince(healed, LINKED_MS);
  assert.doesNotMatch(remote.log, /Loop detected/);
});
