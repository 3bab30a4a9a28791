import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress, parseAddress } from "../model/address-text.ts";
import { addressesInHostsFile, createResolver, type Resolved } from "./resolver.ts";

test("the addresses of a name in a hosts file", () => {
  const text = [
    "# 192.0.2.9 tracker",
    "192.0.2.1\ttracker tracker.example # the near one",
    "  2001:db8::1 Tracker.Example",
    "999.0.0.1 tracker.example",
    "192.0.2.2",
    "",
  ].join("\n");
  const read = (host: string) => addressesInHostsFile(text, host).map(formatAddress);
  assert.deepEqual(read("tracker.example"), ["192.0.2.1", "2001:db8::1"]);
  assert.deepEqual(read("tracker"), ["192.0.2.1"]);
  assert.deepEqual(read("near"), []);
  assert.deepEqual(read("192.0.2.2"), []);
});

/** A resolver with replies and a clock that the test controls. */
function byHand() {
  const questions: { host: string; answer: (resolved: Resolved) => void; fail: () => void }[] = [];
  const clock = { ms: 0 };
  const resolve = createResolver(
    (host) =>
      new Promise((answer, reject) => {
        questions.push({ host, answer, fail: () => reject(new Error("nobody knows")) });
      }),
    () => clock.ms,
  );
  return { questions, clock, resolve };
}

const ONE: Resolved = { addresses: [parseAddress("192.0.2.1")], seconds: 100 };

test("a name is queried once for concurrent requests, and again after its TTL", async () => {
  const { questions, clock, resolve } = byHand();
  const wanted = [resolve("a"), resolve("a"), resolve("a")];
  questions[0].answer(ONE);
  for (const addresses of await Promise.all(wanted))
    assert.deepEqual(addresses.map(formatAddress), ["192.0.2.1"]);
  clock.ms = 99_999;
  await resolve("a");
  assert.equal(questions.length, 1);
  clock.ms = 100_000;
  const again = resolve("a");
  assert.equal(questions.length, 2);
  questions[1].answer({ ...ONE, seconds: 0 });
  await again;
  clock.ms += 29_999;
  await resolve("a");
  assert.equal(questions.length, 2, "30 seconds at least");
});

test("that there is no address is remembered for a while", async () => {
  const { questions, clock, resolve } = byHand();
  const failed = resolve("a");
  questions[0].fail();
  await assert.rejects(failed);
  await assert.rejects(resolve("a"));
  assert.equal(questions.length, 1);
  clock.ms = 30_000;
  const empty = resolve("a");
  questions[1].answer({ addresses: [], seconds: 600 });
  await assert.rejects(empty);
});

test("concurrent queries, cached names, and addresses per name are limited", async () => {
  const { questions, resolve } = byHand();
  const wanted = Array.from({ length: 256 }, (_, i) => resolve(`${i}`));
  await assert.rejects(resolve("one more"));
  const many = { addresses: new Array(100).fill(ONE.addresses[0]), seconds: 600 };
  for (const { answer } of questions) answer(many);
  for (const addresses of await Promise.all(wanted)) assert.equal(addresses.length, 16);
  for (let i = 256; i < 4097; i++) {
    const asked = resolve(`${i}`);
    questions[i].answer(ONE);
    await asked;
  }
  const before = questions.length;
  await resolve("1");
  assert.equal(questions.length, before);
  void resolve("0");
  assert.equal(questions.length, before + 1, "the oldest was forgotten");
});

test("a name that the hosts file has", async () => {
  assert.ok((await createResolver()("localhost")).some((address) => formatAddress(address) === "127.0.0.1"));
});
