/**
 * Forwarded announces, and replies of upstream trackers, with arbitrary bytes: every reply is complete, and only valid
 * announces are sent.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseReply } from "../../src/client/announce-reply.ts";
import { announcementFor } from "../../src/forwarding/forwarded-announcement.ts";
import {
  NamedCounts,
  peersOf,
  replyForOthers,
  replyForSender,
  timesOf,
} from "../../src/forwarding/reply-facts.ts";
import { bdecode, bencode } from "../support/bencode.ts";
import { ForwardingRig, get, NOW, QUERY, REDIRECTED, SOURCE } from "../support/forwarding-rig.ts";

const RUNS = 3000;

const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const bytes = fc.array(byte, { maxLength: 60 }).map((each) => each.join(""));
const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...pieces()) },
  { weight: 1, arbitrary: bytes },
);
const text = fc.array(piece, { maxLength: 12 }).map((each) => each.join(""));

function pieces(): string[] {
  return [
    ...["http://", "https://", "udp://", "//", "/", "?", "&", "#", "@", ":", "%", "\r\n", " ", "..", "[::1]"],
    ...["tracker.example", "127.0.0.1", "/forwarded_announce", "url=", "ip=", "event=started", "info_hash="],
    ...[
      QUERY,
      encodeURIComponent(`http://tracker.example/a?${QUERY}`),
      "%0d%0a",
      "%00",
      "numwant=-1",
      "\xff",
    ],
  ];
}

describe("forwarded requests of any bytes", () => {
  it("have whole replies, and go out as announces or not at all", () => {
    const rig = new ForwardingRig();
    const property = fc.property(
      fc.constantFrom("", "/forwarded_announce?url=", "/forwarded_announce/", "http://", "/"),
      text,
      fc.constantFrom("Host: tracker.example", "Host: retracker.local", "X: y"),
      fc.oneof(
        fc.constant(""),
        text.map((value) => value.replaceAll(/[^\x20-\x7e]/g, "")),
      ),
      fc.constantFrom(SOURCE, REDIRECTED),
      (start, target, host, agent, remote) => {
        const connection = rig.connect(remote);
        connection.receive(get(start + target, host, `User-Agent: ${agent}`));
        if (connection.deferMs > 0) connection.resume();
        assert.ok(connection.replies.every(({ status }) => status > 0));
        for (const task of rig.tasks()) {
          const { url, udp, userAgent } = announcementFor(task, 200);
          assert.match(url, /^(https?|udp):\/\/[-a-z0-9.:_[\]]+(\/|\?|$)/i);
          assert.ok(
            [...url].every((each) => each > " " && each !== "\x7f" && each !== "#"),
            url,
          );
          assert.match(url, /[?&]info_hash=/);
          assert.match(url, /[?&]port=/);
          assert.ok(udp === undefined || (udp.port > 0 && udp.peerId.length === 20));
          assert.doesNotMatch(userAgent ?? "", /[^\x20-\x7e]/);
        }
      },
    );
    fc.assert(property, { numRuns: RUNS });
  });
});

describe("upstream trackers' answers of any bytes", () => {
  const value: fc.Arbitrary<string> = fc.oneof(
    { weight: 20, arbitrary: bytes.map((each) => `${each.length}:${each}`) },
    {
      weight: 20,
      arbitrary: fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map((number) => `i${number}e`),
    },
    { weight: 20, arbitrary: fc.nat(4000).map((number) => `i${number}e`) },
    { weight: 1, arbitrary: bytes },
    {
      weight: 9,
      arbitrary: fc.constantFrom(
        "le",
        "de",
        "i-0e",
        "i1e",
        "0:",
        "99999999999:",
        `12:${"\x7f\0\0\x01\0\x50".repeat(2)}`,
      ),
    },
  );
  const key = fc.constantFrom(
    ...["interval", "min interval", "peers", "peers6", "complete", "incomplete", "tracker id"],
    ...["failure reason", "warning message", "retry in"],
  );
  const answer = fc
    .dictionary(key, value)
    .map((fields) => Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    .map((fields) => `d${fields.map(([name, each]) => `${name.length}:${name}${each}`).join("")}e`);

  it("make whole replies, in order, and times within bounds", () => {
    let understood = 0;
    const property = fc.property(
      answer,
      fc.boolean(),
      fc.integer({ min: 1, max: 2 }),
      (body, isObserved, known) => {
        const reply = parseReply(Buffer.from(body, "latin1"));
        if (typeof reply === "string") return;
        understood++;
        const said = { answered: true as const, latencyMs: 1, ...reply };
        const { swarm, client, interval, expiresAt } = timesOf(said, NOW);
        for (const due of [swarm ?? client, client])
          assert.ok(due >= NOW + 54 && due <= NOW + 86_400, `${due}`);
        const least = reply.retryIn === undefined ? 60 : 0;
        assert.ok(interval >= least && interval <= 86_400 && expiresAt <= NOW + 2 * 86_400);
        const found = peersOf(said, () => false, new NamedCounts());
        for (const upstreamReply of [replyForSender(said, isObserved, found), replyForOthers(said)]) {
          const rig = new ForwardingRig();
          const connection = rig.connect();
          connection.receive(get(`/a?${QUERY}`, "Host: tracker.example"));
          rig.tracker.known = known;
          connection.resume(upstreamReply);
          const encoded = Buffer.from(connection.replies[0].body, "latin1");
          const decoded = bdecode(encoded);
          assert.equal(bencode(decoded), encoded.toString("latin1"), "in the order that bencode wants");
          const { interval: next, peers = "", peers6 = "" } = Object(decoded);
          if (!("failure reason" in Object(decoded))) assert.ok(next >= 60 && next <= 2000);
          assert.ok(peers.length % 6 === 0 && peers6.length % 18 === 0);
        }
      },
    );
    fc.assert(property, { numRuns: RUNS });
    assert.ok(understood > RUNS / 20, `${understood} were answers`);
  });
});
