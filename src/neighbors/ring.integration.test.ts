/** Trackers that are each other's neighbors, over hours that pass at once: nobody comes to be who never was. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Outcome } from "../client/outcome.ts";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT, AnnounceResponse } from "../model/announce.ts";
import { OK } from "../model/client-error.ts";
import { buildPrefixTable } from "../network/prefix-table.ts";
import { LearnedPeers } from "../store/learned-peers.ts";
import { type RefreshTask, readRefresh } from "../tasks/refresh-task.ts";
import { allocateCensus } from "../tracker/census.ts";
import { Polls, type PollsData, peerIdWords } from "../tracker/polls.ts";
import { Sweeper } from "../tracker/sweeper.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";
import { AnnounceQuery } from "../wire/announce-query.ts";
import { NeighborSet } from "./neighbor-set.ts";

const REFRESH_SECONDS = 1800;
const EXPIRY_SECONDS = 7200;
const STEP_SECONDS = 10;
const INTERVAL_SECONDS = 600;
const INTERVAL_STEPS = INTERVAL_SECONDS / STEP_SECONDS;
const PEER_EXPIRY_SECONDS = 3900;
const HOUR = 3600;
const SWARMS = 5;
const CLIENTS = 4;

/** The manual's template has a peer_id of its own; ours says who asks. */
const PEER_IDS = { ours: "{peer_id}", manuals: "0123456789012345678A" } as const;

/** One tracker with its clients. */
class Member {
  readonly fixture: TrackerFixture;
  readonly address: string;
  /** Announces that it has sent to others. */
  asked = 0;
  /** Its clients. */
  readonly hosts: readonly string[];
  readonly #neighbors: NeighborSet;
  readonly #tasks: RefreshTask[] = [];
  readonly #sweeper: Sweeper;
  readonly #query = new AnnounceQuery();
  readonly #response = new AnnounceResponse();

  /** @param asks numbers of those it asks. */
  constructor(
    number: number,
    asks: readonly number[],
    all: readonly Member[],
    peerId: keyof typeof PEER_IDS,
  ) {
    const polls: PollsData = {
      addresses: buildPrefixTable([]),
      peerIds: peerId === "ours" ? new Uint32Array(0) : peerIdWords(PEER_IDS[peerId]),
    };
    this.address = `5.0.0.${number + 1}`;
    this.hosts = Array.from({ length: CLIENTS }, (_, i) => `11.${number}.0.${i + 1}`);
    const tasks = {
      push: (_kind: number, _token: number, bytes: Uint8Array, start: number, end: number) => {
        this.#tasks.push(readRefresh(bytes.slice(start, end)));
        return true;
      },
    };
    const options = { polls: new Polls(polls), refreshSeconds: REFRESH_SECONDS, tasks };
    this.fixture = new TrackerFixture({ ...options, maxPeers: 10_000 });
    const { store, groups, clock, counters } = this.fixture;
    this.#sweeper = new Sweeper({
      store,
      groups,
      peerExpiry: PEER_EXPIRY_SECONDS,
      counters,
      census: allocateCensus(),
      worker: 0,
      workers: 1,
    });
    const learned = new LearnedPeers(store, 10_000, groups, 200);
    this.#neighbors = new NeighborSet({
      makeClient: ({ name }) => ({
        announce: async ({ url }) => {
          this.asked++;
          return all[Number(name)].answer(url, this.address);
        },
        close: async () => {},
      }),
      isAnnounced: (infoHash) => learned.isAnnounced(infoHash),
      learn: (infoHash, named, counts) => learned.learn(infoHash, named, counts),
      now: () => clock.seconds * 1000,
      fraction: () => 0.5,
      changed: () => {},
      swarms: 64,
    });
    this.#neighbors.adopt({
      neighbors: asks.map((other) => ({
        name: String(other),
        template: `http://neighbor/announce?info_hash={info_hash}&peer_id=${PEER_IDS[peerId]}&port=6882&left=4194304&event=started`,
        refreshSeconds: REFRESH_SECONDS,
        expirySeconds: EXPIRY_SECONDS,
        timeoutMs: 1000,
        maxConcurrent: 10,
        maxPerSecond: 1000,
        reachableFrom: [],
      })),
      identity: { peerId: `-BTRT01-00000000000${number}`, port: 6882, numWant: 200, ip: "" },
      groups,
      groupNames: [],
      isTracker: (address) => address.equals(parseAddress(this.address)),
      limit: 200,
    });
  }

  /** Answers another tracker. */
  answer(url: string, from: string): Outcome {
    const bytes = Buffer.from(url.slice(url.indexOf("?") + 1), "latin1");
    const query = this.#query;
    assert.equal(query.decode(bytes, 0, bytes.length), OK);
    query.request.address.copyFrom(parseAddress(from));
    const response = this.#response;
    assert.equal(this.fixture.tracker.announce(query.request, response), OK);
    return {
      answered: true,
      latencyMs: 1,
      interval: response.interval,
      minInterval: response.minInterval,
      complete: response.complete,
      incomplete: response.incomplete,
      peers: response.peers.slice(0, response.peerCount * 6),
      peers6: response.peers6.slice(0, response.peer6Count * 18),
      failureReason: undefined,
      warningMessage: undefined,
      trackerId: undefined,
      retryIn: undefined,
    };
  }

  /** All its clients announce, or all of them leave. */
  announce(stopped: boolean): void {
    const event = stopped ? ANNOUNCE_EVENT.stopped : ANNOUNCE_EVENT.none;
    for (let swarm = 1; swarm <= SWARMS; swarm++)
      for (const host of this.hosts) this.fixture.announce(host, { swarm, event });
  }

  /** One client announces, or leaves. @returns whom it is given. */
  announceOne(address: string, swarm: number, stopped: boolean): readonly string[] {
    const event = stopped ? ANNOUNCE_EVENT.stopped : ANNOUNCE_EVENT.none;
    this.fixture.announce(address, { swarm, event, numWant: 200 });
    return this.fixture.returned(4).map(({ address }) => address);
  }

  /** What happens without announces in a step of time. */
  pass(): void {
    for (const task of this.#tasks.splice(0)) this.#neighbors.requestRefresh(task);
    this.#neighbors.pump();
    while (!this.#sweeper.step(this.fixture.clock.seconds, 1000)) {}
  }

  /** Who is in the store, one line for each swarm they are in. */
  get stored(): string[] {
    return this.fixture
      .peers()
      .map(({ address }) => address)
      .toSorted();
  }

  /** Its own clients, as `stored` has them. */
  get own(): string[] {
    return Array.from({ length: SWARMS }, () => this.hosts)
      .flat()
      .toSorted();
  }
}

/** Lets time pass. */
async function pass(members: readonly Member[], seconds: number, announcing: boolean): Promise<void> {
  for (let second = 0; second < seconds; second += STEP_SECONDS) {
    for (const member of members) {
      if (announcing && second % INTERVAL_SECONDS === 0) member.announce(false);
      member.pass();
    }
    await new Promise(setImmediate); // what was asked is answered
    for (const { fixture } of members) fixture.clock.seconds += STEP_SECONDS;
  }
}

for (const peerId of ["ours", "manuals"] as const) {
  for (const { name, asks } of [
    { name: "two that ask each other", asks: [[1], [0]] },
    { name: "three in a ring", asks: [[1], [2], [0]] },
    {
      name: "three that all ask each other",
      asks: [
        [1, 2],
        [0, 2],
        [0, 1],
      ],
    },
  ]) {
    test(`${name}, with a peer_id that is ${peerId}`, async () => {
      const members: Member[] = [];
      for (const [number, list] of asks.entries()) members.push(new Member(number, list, members, peerId));
      const expected = asks.map((list, number) =>
        [members[number], ...list.map((other) => members[other])].flatMap(({ own }) => own).toSorted(),
      );
      await pass(members, HOUR, true); // the first to ask had nobody to ask about
      for (let hour = 0; hour < 3; hour++) {
        await pass(members, HOUR, true);
        for (const [number, { stored, fixture }] of members.entries()) {
          assert.deepEqual(stored, expected[number], `after hour ${hour + 1}`);
          assert.deepEqual(fixture.scrape(1), [0, CLIENTS, 0], "only its own are counted");
        }
      }
      const [{ asked }] = members;
      assert.ok(
        asked >= SWARMS * asks[0].length && asked <= (4 * HOUR * SWARMS * asks[0].length) / REFRESH_SECONDS,
      );
      for (const member of members) member.announce(true);
      await pass(members, EXPIRY_SECONDS + 60, false);
      for (const { stored } of members) assert.deepEqual(stored, []);
      await pass(members, HOUR, false);
      assert.equal(members[0].asked, asked, "nobody is asked about what nobody announces");
    });
  }
}

/** A client of one member that comes, stays for a while, and leaves or falls silent. In steps of time. */
const visit = fc.record({
  member: fc.nat({ max: 2 }),
  host: fc.nat({ max: CLIENTS - 1 }),
  swarm: fc.integer({ min: 1, max: SWARMS }),
  from: fc.nat({ max: (6 * HOUR) / STEP_SECONDS }),
  stay: fc.integer({ min: 1, max: (2 * HOUR) / STEP_SECONDS }),
  stops: fc.boolean(),
});

/** The client of a member that never leaves. */
const stayerOf = (member: number) => `11.${member}.0.99`;

/** How long somebody may be known to others after his last sign: polls come an eighth late at most. */
const REMEMBERED_SECONDS = PEER_EXPIRY_SECONDS + 1.125 * REFRESH_SECONDS + EXPIRY_SECONDS + 60;

test("whoever comes and goes: nobody is known to those he was not named to, or for longer than that", async () => {
  const asks = [[1, 2], [2], [0]];
  await fc.assert(
    fc.asyncProperty(fc.array(visit, { minLength: 1, maxLength: 30 }), async (visits) => {
      const members: Member[] = [];
      for (const [number, list] of asks.entries()) members.push(new Member(number, list, members, "ours"));
      /** When each client last announced to its own tracker, by address and swarm. */
      const signs = new Map<string, number>();
      const isKnown = (address: string, swarm: number, to: number, seconds: number) => {
        const owner = Number(address.split(".")[1]);
        const heard = signs.get(`${address} ${swarm}`) ?? Number.NEGATIVE_INFINITY;
        if (owner === to) return seconds - heard <= PEER_EXPIRY_SECONDS + STEP_SECONDS;
        return asks[to].includes(owner) && seconds - heard <= REMEMBERED_SECONDS;
      };
      const announce = (address: string, member: number, swarm: number, second: number, isLast: boolean) => {
        signs.set(`${address} ${swarm}`, second);
        const told = members[member].announceOne(address, swarm, isLast);
        assert.ok(!told.includes(address), "nobody is given himself");
        for (const other of told) assert.ok(isKnown(other, swarm, member, second), `${other} at ${member}`);
      };
      const end = 8 * HOUR + REMEMBERED_SECONDS;
      for (let second = 0; second < end; second += STEP_SECONDS) {
        const step = second / STEP_SECONDS;
        for (const { member, host, swarm, from, stay, stops } of visits) {
          const isLast = step === from + stay;
          const isTime = step >= from && step < from + stay && (step - from) % INTERVAL_STEPS === 0;
          if (isTime || (isLast && stops))
            announce(members[member].hosts[host], member, swarm, second, isLast);
        }
        // Somebody is always there, so that the swarm is.
        for (const member of step % INTERVAL_STEPS === 0 ? members.keys() : [])
          for (let swarm = 1; swarm <= SWARMS; swarm++)
            announce(stayerOf(member), member, swarm, second, false);
        await pass(members, STEP_SECONDS, false);
      }
      for (const [member, { stored }] of members.entries()) {
        const left = [member, ...asks[member]].map(stayerOf);
        assert.deepEqual(new Set(stored), new Set(left), `who is left at ${member}`);
      }
    }),
    { numRuns: 20 },
  );
});
