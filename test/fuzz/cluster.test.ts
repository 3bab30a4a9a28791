/** Nodes of a cluster get any bytes on any subject: nothing throws, and the store stays whole. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MESSAGE_KINDS } from "../../src/cluster/message.ts";
import { deriveSecrets } from "../../src/cluster/secrets.ts";
import { allocateSwarmStore } from "../../src/store/store-memory.ts";
import { TestNetwork } from "../support/cluster-network.ts";
import { assertConsistent } from "../support/store-consistency.ts";

const kinds = fc.constantFrom(...MESSAGE_KINDS);

/** Real messages between two nodes, and the node that gets them. */
function recordMessages() {
  const { hashKey } = deriveSecrets({ name: "test", secret: new Uint8Array() });
  const network = new TestNetwork();
  const data = allocateSwarmStore(2000, 2, hashKey);
  const messages: { readonly subject: string; readonly bytes: Uint8Array }[] = [];
  const sender = network.start("a", { digestMs: 2000 });
  const receiver = network.start("b", { digestMs: 2000 }, data);
  network.fate = ({ from, subject, bytes }) => {
    if (from === sender) messages.push({ subject, bytes: bytes.slice() });
    return [0];
  };
  for (let i = 0; i < 30; i++) sender.announce(`11.0.0.${i}`, { swarm: i << 27, client: i });
  sender.announce("2001:db8:11::5", { left: 0 });
  network.run(8000);
  return { network, receiver, data, messages };
}

test("garbage is refused and counted", () => {
  const { receiver, data } = recordMessages();
  fc.assert(
    fc.property(kinds, fc.uint8Array({ maxLength: 300 }), fc.string(), (kind, bytes, other) => {
      const before = receiver.status.refused;
      receiver.cluster.receive(`btrt1.test.a.${kind}`, bytes);
      receiver.cluster.receive(`btrt1.test.a.${kind}.b`, bytes);
      receiver.cluster.receive(other, bytes);
      const after = receiver.status.refused;
      assert.ok(after.garbage >= before.garbage + 2);
    }),
    { numRuns: 2000 },
  );
  assertConsistent(data);
});

test("messages that are cut off, or have wrong bytes, leave the store whole", () => {
  const { network, receiver, data, messages } = recordMessages();
  assert.deepEqual([...new Set(messages.map(({ subject }) => subject.split(".")[3]))].sort(), [
    "answer",
    "ask",
    "beat",
    "digest",
    "records",
  ]);
  const damage = fc.record({
    message: fc.nat(),
    length: fc.option(fc.nat({ max: 400 })),
    // The first bytes of a header stay, so that most messages get past it.
    changes: fc.array(fc.tuple(fc.integer({ min: 12, max: 400 }), fc.nat({ max: 255 })), { maxLength: 8 }),
  });
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 10 }), (damages) => {
      for (const { message, length, changes } of damages) {
        const { subject, bytes } = messages[message % messages.length];
        const copy = bytes.slice(0, length ?? bytes.length);
        for (const [at, byte] of changes) if (at < copy.length) copy[at] = byte;
        receiver.cluster.receive(subject, copy);
      }
      network.run(20);
    }),
    { numRuns: 2000 },
  );
  assertConsistent(data);
});
