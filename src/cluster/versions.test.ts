/** Nodes of different versions. There is one version so far: the next ones are what this one sends, changed on its way. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TestNetwork, type TestNode } from "../../test/support/cluster-network.ts";
import { HEADER_AT, nextMinor, type Spoken } from "../../test/support/next-version/messages.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";

const nextMinorOfTest = (subject: string, bytes: Uint8Array) => nextMinor("test", subject, bytes);

/** Another major version has other subjects, and the rest of its messages may be anything. */
function otherMajor(major: number): (subject: string, bytes: Uint8Array) => readonly Spoken[] {
  return (subject, bytes) => {
    const changed = bytes.slice();
    changed[HEADER_AT.version] = major << 4;
    return [{ subject: subject.replace("btrt1", `btrt${major}`), bytes: changed }];
  };
}

/** Announces, stops and completions at all nodes. */
function live(network: TestNetwork, nodes: readonly TestNode[], turn: number): void {
  for (let i = 0; i < 24; i++) {
    const node = nodes[i % nodes.length];
    const address = i % 5 === 0 ? `2001:db8:11::${i + 1}` : `11.0.0.${i + 1}`;
    const swarm = (i % 3) << 28;
    const fields = { swarm, port: 7000 + i, client: i + 1 };
    if (turn === 1 && i % 4 === 1) node.announce(address, { ...fields, event: ANNOUNCE_EVENT.stopped });
    else if (turn === 1 && i % 4 === 2)
      node.announce(address, { ...fields, event: ANNOUNCE_EVENT.completed, left: 0 });
    else node.announce(address, fields);
    network.run(40);
  }
}

describe("nodes of two versions", () => {
  for (const [name, versions] of [
    ["a newer one joins older ones", [undefined, undefined, nextMinorOfTest]],
    ["an older one joins newer ones", [nextMinorOfTest, nextMinorOfTest, undefined]],
  ] as const)
    test(`end equal when ${name}`, () => {
      const network = new TestNetwork();
      const [first, second, third] = versions;
      const nodes = [first, second].map((speak, i) => network.start(`n${i}`, { ...(speak && { speak }) }));
      network.run(4000);
      live(network, nodes, 0);
      network.run(3000);
      nodes.push(network.start("n2", { ...(third && { speak: third }) }));
      network.run(4000);
      assert.equal(nodes[2].all().length, 24, "it has caught up");
      // What is lost is asked for, in the words of one version, and answered in those of the other.
      let messages = 0;
      network.fate = ({ subject }) => (subject.endsWith("records") && messages++ % 3 === 0 ? [] : [0]);
      live(network, nodes, 1);
      network.fate = () => [0];
      network.run(20_000);
      for (const [i, node] of nodes.entries()) {
        assert.deepEqual(node.all(), nodes[0].all(), node.name);
        for (let swarm = 0; swarm < 3; swarm++)
          assert.deepEqual(node.scrape(swarm << 28), nodes[0].scrape(swarm << 28), node.name);
        const { refused, state, nodes: others } = node.status;
        assert.equal(state, "current");
        assert.deepEqual([refused.version, refused.broken, refused.foreign], [0, 0, 0]);
        const hearsNewer = versions.some((speak, other) => other !== i && speak !== undefined);
        assert.equal(refused.unknownKind > 0, hearsNewer, "what was skipped is counted");
        assert.ok(others.every((other) => other.state === "live"));
        assert.ok(
          others.some(({ fetched }) => fetched > 0),
          "something was missed",
        );
      }
      assert.equal(nodes[0].all().length, 18);
    });

  for (const major of [0, 2])
    test(`refuse and count each other when one has the major version ${major}`, () => {
      const network = new TestNetwork();
      const a = network.start("a");
      const b = network.start("b", { speak: otherMajor(major) });
      network.run(4000);
      b.announce("11.0.0.1");
      network.run(2000);
      assert.deepEqual(a.all(), []);
      assert.deepEqual(a.status.nodes, []);
      assert.ok(a.status.refused.version > 0);
      assert.equal(a.status.sameName, false);
    });
});
