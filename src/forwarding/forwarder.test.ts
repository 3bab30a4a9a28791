import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Announcement } from "../client/announcement.ts";
import type { Answer, FailureKind, Outcome } from "../client/outcome.ts";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT, type AnnounceEvent } from "../model/announce.ts";
import { AskTimes, allocateAskTimes } from "../tracker/ask-times.ts";
import { addUserAgent, writeForwardErrand, written } from "../tracker/forward-errand.ts";
import type { Told } from "../tracker/told.ts";
import { AnnounceQuery } from "../wire/announce-query.ts";
import { ascii } from "../wire/ascii.ts";
import { MODE } from "../wire/host-rules.ts";
import { TrackerUrl } from "../wire/tracker-url.ts";
import { type ForeignPeers, Forwarder } from "./forwarder.ts";

const START = 1_800_000_000;
const HASH = "%AA".repeat(20);
/** Somebody, ourselves, and somebody's private address. */
const PEERS = Uint8Array.from([45, 0, 113, 5, 0x1a, 0xe1, 46, 0, 2, 1, 0x1a, 0xe1, 10, 0, 0, 1, 0x1a, 0xe1]);

/** A tracker whose answers the test gives one by one. */
interface Asked {
  readonly announcement: Announcement;
  answer(outcome: Outcome): Promise<void>;
}

let now: number;
let asked: Asked[];
let learned: ForeignPeers[];
let resumed: { token: number; told: Told | undefined }[];
let times: AskTimes;
let forwarder: Forwarder;

beforeEach(() => {
  now = START;
  asked = [];
  learned = [];
  resumed = [];
  times = new AskTimes(allocateAskTimes(4096));
  forwarder = makeForwarder();
});

function makeForwarder(limits = {}): Forwarder {
  return new Forwarder({
    limits: {
      maxRequests: 100,
      maxPerTracker: 50,
      maxQueued: 100,
      maxQueuedPerTracker: 50,
      maxTrackers: 10,
      ...limits,
    },
    numWant: 200,
    times,
    announce: (announcement) => {
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      const answer = async (outcome: Outcome) => {
        resolve(outcome);
        await nextTurn();
      };
      asked.push({ announcement, answer });
      return promise;
    },
    learn: (peers) => learned.push(peers),
    resume: (_, token, told) => resumed.push({ token, told }),
    isOurs: (address) => address.equals(parseAddress("46.0.2.1")),
    now: () => now,
    nowMs: () => now * 1000,
    fraction: () => 0.5,
  });
}

interface ErrandOptions {
  readonly client?: number;
  readonly swarm?: number;
  readonly event?: AnnounceEvent;
  readonly url?: string;
  readonly address?: string;
  readonly isObserved?: boolean;
  readonly userAgent?: string;
}

let tokens = 0;

/** Has an errand done. @returns the token of who waits for it. */
function take(options: ErrandOptions = {}): number {
  const { client = 1, swarm = 1, event = ANNOUNCE_EVENT.none, isObserved = false } = options;
  const bytes = ascii(options.url ?? `http://t.example/ann?info_hash=${HASH}&port=6881`);
  const url = new TrackerUrl();
  assert.ok(url.parse(bytes, 0, bytes.length));
  const query = new AnnounceQuery();
  assert.equal(query.decode(url.bytes, url.queryStart, url.queryEnd), 0);
  query.request.event = event;
  query.request.address.copyFrom(parseAddress(options.address ?? "198.18.0.1"));
  const mode = isObserved ? MODE.observe : MODE.replace;
  writeForwardErrand(url, query.request, mode, Int32Array.of(swarm, swarm, 1000 + client, 1000 + client));
  const agent = ascii(options.userAgent ?? "");
  addUserAgent(agent, 0, agent.length);
  forwarder.take(0, ++tokens, written.bytes.slice(0, written.length));
  return tokens;
}

function answer(fields: Partial<Answer> = {}): Answer {
  return {
    answered: true,
    latencyMs: 5,
    interval: 1800,
    minInterval: undefined,
    complete: 7,
    incomplete: 3,
    peers: PEERS,
    peers6: new Uint8Array(0),
    failureReason: undefined,
    warningMessage: undefined,
    trackerId: undefined,
    retryIn: undefined,
    ...fields,
  };
}

const failure = (kind: FailureKind = "timeout"): Outcome => ({
  answered: false,
  kind,
  status: 0,
  latencyMs: 5,
});
const { started, completed, stopped } = ANNOUNCE_EVENT;

describe("what goes out", () => {
  const sent = (options: ErrandOptions) => {
    take(options);
    return asked[asked.length - 1].announcement;
  };
  const query = `info_hash=${"%aA".repeat(20)}&peer_id=%2dXX0001%2Dabcdefghijkl&port=1&uploaded=007&key=%zz&passkey=a+b&x`;

  it("is the client's own query, with its address and more peers wanted", () => {
    assert.deepEqual(sent({ url: `http://T.example/p/a?${query}`, address: "1.2.3.4" }), {
      url: `http://T.example/p/a?${query}&numwant=200&ip=1.2.3.4`,
    });
    assert.equal(
      sent({ client: 2, url: `http://t.example?${query}&numwant=50`, address: "2a00::1" }).url,
      `http://t.example/?${query}&numwant=200&ip=2a00%3A%3A1`,
    );
  });

  it("keeps what the client says itself", () => {
    const url = `http://t.example/a?${query}&numwant=500&ip=5.6.7.8`;
    assert.equal(sent({ url, address: "1.2.3.4" }).url, url);
  });

  it("never names an address that is nobody's outside", () => {
    for (const [client, address] of ["10.1.2.3", "100.64.0.1", "fe80::1", "127.0.0.1"].entries())
      assert.doesNotMatch(sent({ client, address }).url, /ip=/);
  });

  it("wants no peers when the client stops", () => {
    const url = `http://t.example/a?${query}&numwant=0`;
    assert.equal(sent({ url, event: stopped }).url, url);
  });

  it("has the client's User-Agent, if it is fit for a header", () => {
    assert.equal(sent({ userAgent: "qBittorrent/5.0" }).userAgent, "qBittorrent/5.0");
    assert.equal(sent({ client: 2, userAgent: "a\xffb" }).userAgent, undefined);
  });

  it("goes over UDP in its fields", () => {
    const udp = `info_hash=${HASH}&peer_id=-XX0001-%00bcdefghijkl&port=81&left=5&uploaded=6&downloaded=7&key=Ff`;
    const { url, udp: fields } = sent({
      url: `udp://t.example:80/announce?${udp}`,
      address: "1.2.3.4",
      event: started,
    });
    assert.equal(url, `udp://t.example:80/announce?${udp}`);
    assert.deepEqual(
      { ...fields, infoHash: undefined, peerId: Buffer.from(fields?.peerId ?? []).toString("latin1") },
      {
        infoHash: undefined,
        peerId: "-XX0001-\0bcdefghijkl",
        downloaded: 7,
        left: 5,
        uploaded: 6,
        event: started,
        key: 255,
        numWant: 200,
        port: 81,
        ip: 0x01020304,
      },
    );
    assert.deepEqual(fields?.infoHash, new Uint8Array(20).fill(0xaa));
    const silent = sent({ client: 2, url: `udp://t.example:80/announce?info_hash=${HASH}&port=81` });
    assert.equal(silent.udp?.left, 2 ** 53, "it has not said that it has everything");
  });
});

describe("an answer", () => {
  it("brings peers, but neither ourselves nor private ones, ends the wait, and says when to come again", async () => {
    const token = take();
    await asked[0].answer(answer({ interval: 1000, warningMessage: "w" }));
    assert.deepEqual(learned[0].peers, PEERS.slice(0, 6));
    assert.equal(learned[0].expiresAt, START + 2000);
    assert.equal(resumed.length, 1);
    assert.equal(resumed[0].token, token);
    assert.deepEqual(
      [resumed[0].told?.interval, resumed[0].told?.complete, resumed[0].told?.peers.length],
      [1000, 7, 0],
    );
    assert.equal(String.fromCharCode(...(resumed[0].told?.more ?? [])), "15:warning message1:w");
    assert.ok(times.find(1, 1));
    assert.deepEqual([times.due, times.interval], [START + 1000, 1000]);
    assert.ok(times.find(1001, 1001));
    assert.equal(times.due, START + 900);
  });

  it("is believed about min interval, and about being left alone", async () => {
    take();
    await asked[0].answer(answer({ interval: 1000, minInterval: 950 }));
    assert.ok(times.find(1, 1));
    assert.equal(times.due, START + 950);
    assert.ok(times.find(1001, 1001));
    assert.equal(times.due, START + 950);
    take({ client: 2, swarm: 2 });
    await asked[1].answer(
      answer({ failureReason: "no", retryIn: Number.POSITIVE_INFINITY, peers: new Uint8Array(0) }),
    );
    assert.ok(times.find(2, 2));
    assert.equal(times.due, START + 86_400);
    assert.match(
      String.fromCharCode(...(resumed[1].told?.failure ?? [])),
      /^d14:failure reason2:no8:retry in5:nevere$/,
    );
  });

  it("is not believed about intervals out of all reason", async () => {
    take();
    await asked[0].answer(answer({ interval: 0, minInterval: 0 }));
    assert.ok(times.find(1, 1));
    assert.deepEqual([times.due, times.interval], [START + 60, 60]);
    take({ client: 2, swarm: 2 });
    await asked[1].answer(answer({ interval: 2 ** 31 - 1, minInterval: 2 ** 31 - 1 }));
    assert.ok(times.find(2, 2));
    assert.equal(times.due, START + 86_400);
  });

  it("is passed on whole where the tracker is only observed", async () => {
    take({ isObserved: true });
    await asked[0].answer(answer());
    assert.deepEqual(resumed[0].told?.peers, PEERS.slice(0, 6));
  });

  it("whose connection is cut is asked for once more", async () => {
    const token = take({ event: completed });
    await asked[0].answer(failure("cut"));
    assert.deepEqual([asked.length, resumed.length], [2, 0]);
    assert.equal(asked[1].announcement.url, asked[0].announcement.url);
    await asked[1].answer(failure("cut"));
    assert.deepEqual([asked.length, resumed.map((each) => each.token)], [2, [token]]);
    take({ client: 2, event: completed });
    await asked[2].answer(failure("incomplete"));
    assert.deepEqual([asked.length, resumed.length], [3, 2], "it has been heard of");
  });

  it("that does not come ends the wait as well, and others do not wait for a while", async () => {
    const token = take();
    await asked[0].answer(failure());
    assert.deepEqual(resumed, [{ token, told: undefined }]);
    assert.ok(times.find(1, 1));
    assert.equal(times.due, START + 30);
  });
});

describe("single flight", () => {
  it("lets announces that only lack peers join what is on its way", async () => {
    take();
    times.set(1002, 1002, START + 1000, 0);
    const joined = take({ client: 2 });
    assert.deepEqual([asked.length, forwarder.joined], [1, 1]);
    await asked[0].answer(answer());
    assert.deepEqual(resumed.map(({ token }) => token).sort(), [joined - 1, joined]);
  });

  it("ends with the last try, if nothing comes of any", async () => {
    take();
    take({ client: 2, event: started });
    times.set(1003, 1003, START + 1000, 0);
    const joined = take({ client: 3 });
    await asked[0].answer(failure());
    assert.equal(
      resumed.some(({ token }) => token === joined),
      false,
    );
    await asked[1].answer(failure());
    assert.equal(
      resumed.some(({ token }) => token === joined),
      true,
    );
  });

  it("never swallows what a tracker keeps accounts of", () => {
    take();
    for (const [i, event] of [started, completed, stopped, ANNOUNCE_EVENT.none].entries())
      take({ client: 10 + i, event });
    assert.equal(asked.length, 5);
  });
});

describe("order and limits", () => {
  it("a client's announces go out one after the other", async () => {
    take({ event: started });
    take({ event: completed });
    take({ event: stopped });
    assert.equal(asked.length, 1);
    await asked[0].answer(answer());
    assert.equal(asked.length, 2);
    await asked[1].answer(failure());
    assert.equal(asked.length, 3);
  });

  it("of a client's regular announces that wait, the last is enough", async () => {
    take({ event: started });
    now += 100;
    take({ url: `http://t.example/a?info_hash=${HASH}&port=1&uploaded=1` });
    now += 100;
    take({ url: `http://t.example/a?info_hash=${HASH}&port=1&uploaded=2` });
    await asked[0].answer(answer());
    assert.equal(asked.length, 2);
    assert.match(asked[1].announcement.url, /uploaded=2/);
  });

  it("so many are on their way at once, and the others have their turn", async () => {
    forwarder = makeForwarder({ maxRequests: 3, maxPerTracker: 2 });
    for (let client = 0; client < 6; client++) take({ client });
    for (let client = 6; client < 9; client++)
      take({ client, swarm: 2, url: `http://other.example/a?info_hash=${HASH}&port=1` });
    assert.deepEqual([asked.length, forwarder.schedule.running, forwarder.schedule.queued], [3, 3, 6]);
    for (let i = 0; i < 9; i++) await asked[i].answer(answer());
    assert.equal(asked.length, 9);
    assert.deepEqual([forwarder.schedule.running, forwarder.schedule.queued], [0, 0]);
  });

  it("who is not asked for yet does not wait for peers that have come", async () => {
    forwarder = makeForwarder({ maxPerTracker: 1 });
    take();
    const queued = take({ client: 2, event: started });
    const observed = take({ client: 3, event: started, isObserved: true });
    await asked[0].answer(answer());
    assert.ok(resumed.some(({ token }) => token === queued));
    assert.ok(!resumed.some(({ token }) => token === observed));
    assert.equal(asked.length, 2, "but it is asked for all the same");
  });

  it("beyond that, announces are dropped and nobody waits", () => {
    forwarder = makeForwarder({ maxPerTracker: 1, maxQueuedPerTracker: 2 });
    for (let client = 0; client < 5; client++) take({ client });
    const [upstream] = forwarder.schedule.upstreams;
    assert.deepEqual([resumed.length, upstream.counts.dropped, forwarder.schedule.queued], [2, 2, 2]);
  });

  it("trackers that are not used are forgotten, and busy ones are not", async () => {
    forwarder = makeForwarder({ maxTrackers: 2 });
    const at = (host: string, client: number) =>
      take({ client, swarm: client, url: `http://${host}.example/a?info_hash=${HASH}&port=1` });
    at("a", 1);
    at("b", 2);
    at("c", 3);
    assert.equal(asked.length, 2, "both are busy");
    assert.equal(resumed.length, 1);
    await asked[0].answer(answer());
    at("c", 4);
    assert.deepEqual(
      [...forwarder.schedule.upstreams].map(({ name }) => name),
      ["http://b.example", "http://c.example"],
    );
  });

  it("a tracker that fails is left alone, and tried again", async () => {
    for (let client = 0; client < 5; client++) {
      take({ client, swarm: client });
      await asked[client].answer(failure("refused"));
    }
    take({ client: 5, swarm: 5 });
    assert.equal(asked.length, 5);
    assert.equal(resumed.length, 6, "nobody waits");
    const [upstream] = forwarder.schedule.upstreams;
    assert.deepEqual(
      [upstream.state, upstream.counts.leftAlone, upstream.lastFailure],
      ["open", 1, "refused"],
    );
    now += 60;
    take({ client: 6, swarm: 6 });
    await asked[5].answer(answer());
    assert.equal(upstream.state, "closed");
  });
});
