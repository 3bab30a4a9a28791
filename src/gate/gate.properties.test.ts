/** What must hold whatever clients announce, in whatever order, and whenever the gate looks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GATE_SETTINGS, GateRig } from "../../test/support/gate-rig.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { groupsDataOf, TEST_GROUPS } from "../tracker/tracker-fixture.ts";
import { Homes } from "./homes.ts";
import { Judge, ROLE } from "./judge.ts";
import type { GateList } from "./protocol.ts";
import type { GateSettings } from "./settings.ts";
import { COPY_WORDS, SwarmRecords } from "./swarm-records.ts";

const SWARMS = 3;

/** Five subscribers in two groups, two of them behind one address, and two clients outside. */
const CLIENTS = ["11.0.0.1", "11.0.0.2", "11.0.0.2", "12.0.0.4", "11.0.0.5", "99.0.0.1", "99.0.0.2"];

interface Step {
  readonly client: number;
  readonly swarm: number;
  readonly does: "start" | "progress" | "nothing" | "complete" | "stop";
  /** Seconds that go by before. */
  readonly wait: number;
  readonly isRound: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  client: fc.nat(CLIENTS.length - 1),
  swarm: fc.nat(SWARMS - 1),
  does: fc.constantFrom("start", "progress", "progress", "nothing", "nothing", "complete", "stop"),
  wait: fc.constantFrom(0, 0, 0, 0, 0, 1, 1, 10, 10, 60, 60, 300, 400, 1000),
  isRound: fc.boolean(),
});

const steps = fc.array(step, { minLength: 1, maxLength: 40 });

/** What a client has left at first, by coarseLeft. */
const FIRST_LEFT = 1000;

/** Runs steps. `left` of a client falls with each progress. */
class Run {
  readonly rig: GateRig;
  readonly #left = new Map<string, number>();

  /** All clients begin with all torrents: else few would ever be gated. */
  constructor(home: GateSettings["home"] = "groups") {
    this.rig = new GateRig({ home });
    for (let swarm = 0; swarm < SWARMS; swarm++)
      for (const [client] of CLIENTS.entries())
        if ((client + swarm) % SWARMS !== 0)
          this.take({ client, swarm, does: "start", wait: 0, isRound: false });
  }

  take({ client, swarm, does, wait, isRound }: Step): void {
    const { rig } = this;
    if (wait > 0) rig.pass(wait, isRound);
    const key = `${client} ${swarm}`;
    const before = this.#left.get(key) ?? FIRST_LEFT;
    const left =
      does === "complete" ? 0 : does === "progress" ? Math.max(1, before - 10) : before || FIRST_LEFT;
    this.#left.set(key, does === "stop" ? FIRST_LEFT : left);
    const event = does === "stop" ? ANNOUNCE_EVENT.stopped : ANNOUNCE_EVENT.none;
    rig.announce(CLIENTS[client], { port: 7000 + client, client: 1 + client, swarm, left, event });
  }
}

/** The lists as they should be, by nothing but what holds for each address in each swarm. */
function expectedLists(rig: GateRig): Record<GateList, string[]> {
  /** By endpoint and by address: whether each record is closed. By outside endpoint: whether each of its swarms is gated. */
  const closed = new Map<string, boolean[]>();
  const hosts = new Map<string, boolean[]>();
  const far = new Map<string, boolean[]>();
  const refused: string[] = [];
  const note = (map: Map<string, boolean[]>, key: string, value: boolean) =>
    map.set(key, [...(map.get(key) ?? []), value]);
  for (let swarm = 0; swarm < SWARMS; swarm++) {
    let isGated = false;
    for (const address of new Set(CLIENTS)) {
      const explained = rig.explain(address, swarm);
      isGated ||= explained?.gated === true;
      if (explained?.refused)
        refused.push(`${address} ${swarm.toString(16).padStart(8, "0")}${"0".repeat(32)}`);
      for (const { port, open } of explained?.endpoints ?? []) {
        note(closed, `${address} ${port}`, !open);
        note(hosts, address, !open);
      }
    }
    for (const endpoint of rig.outside(swarm)) note(far, endpoint, isGated);
  }
  const keysOf = (map: Map<string, boolean[]>, holds: (each: boolean[]) => boolean) =>
    [...map]
      .filter(([, each]) => holds(each))
      .map(([key]) => key)
      .sort();
  return {
    refused: refused.sort(),
    closed: keysOf(closed, (each) => each.includes(true)),
    hosts: keysOf(hosts, (each) => each.includes(true)),
    far: keysOf(far, (each) => !each.includes(false)),
  };
}

test("the lists are what follows from the roles: no torrent is refused at an address where one of its clients is open", () => {
  let gated = 0;
  fc.assert(
    fc.property(steps, fc.constantFrom("groups", "group"), (taken, home) => {
      const run = new Run(home);
      for (const each of taken) run.take(each);
      // The first round may replace bridges, which changes what an explanation says.
      run.rig.round();
      run.rig.round();
      const lists = run.rig.lists();
      gated += lists.refused.length;
      const expected = expectedLists(run.rig);
      // With several homes a swarm may be gated in one of them: then its outside endpoints are not far.
      if (home === "group") expected.far = lists.far;
      assert.deepEqual(lists, expected);
    }),
    { numRuns: 200 },
  );
  assert.ok(gated > 20, "the steps hardly ever gate anything");
});

test("connections are cut only of endpoints that are closed in all of their torrents", () => {
  let cuts = 0;
  fc.assert(
    fc.property(steps, (taken) => {
      const run = new Run();
      let hasLeft = false;
      for (const each of taken) {
        // Progress changes roles without a task, so a round comes first. After a stop none does: a stop that is no task must
        // not cut too much.
        if (!hasLeft) run.rig.round();
        hasLeft = each.does === "stop";
        run.take({ ...each, isRound: true });
        for (const endpoint of run.rig.cut) {
          cuts++;
          const [address, port] = endpoint.split(" ");
          for (let swarm = 0; swarm < SWARMS; swarm++)
            for (const record of run.rig.explain(address, swarm)?.endpoints ?? [])
              assert.ok(record.port !== Number(port) || !record.open, endpoint);
        }
      }
    }),
    { numRuns: 200 },
  );
  assert.ok(cuts > 20, "the steps hardly ever cut anything");
});

test("without a round, too, no pair and no endpoint is refused that should be open", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const run = new Run();
      for (const each of steps) {
        run.take({ ...each, wait: 0 });
        // A download that is refused already leaves without notice.
        if (each.does === "stop") run.rig.round();
      }
      run.rig.sweep();
      const expected = expectedLists(run.rig);
      const { refused, closed, hosts } = run.rig.lists();
      assert.deepEqual(
        { refused, closed, hosts },
        {
          refused: expected.refused,
          closed: expected.closed,
          hosts: expected.hosts,
        },
      );
    }),
    { numRuns: 200 },
  );
});

test("who gets nothing at the two announces after its first is open, or the torrent is not gated", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.nat(4),
      fc.integer({ min: 270, max: 330 }),
      (steps, client, interval) => {
        const run = new Run();
        for (const each of steps) run.take(each);
        const waits = { client, swarm: 0, wait: 0, isRound: true } as const;
        run.take({ ...waits, does: "stop" });
        run.take({ ...waits, does: "start" });
        // The others get on meanwhile, so that the gate has every reason to stay.
        for (let announce = 0; announce < 2; announce++) {
          for (let other = 0; other < 5; other++)
            if (other !== client) run.take({ ...waits, client: other, does: "progress" });
          run.take({ ...waits, wait: interval, does: "nothing" });
        }
        const explained = run.rig.explain(CLIENTS[client], 0);
        const own = explained?.endpoints.find(({ port }) => port === 7000 + client);
        assert.ok(own?.open, explained?.why);
        // Its port may be closed in another torrent: then the router asks for a handshake, which passes.
        assert.ok(!run.rig.list("refused").includes(`${CLIENTS[client]} ${"0".repeat(40)}`));
      },
    ),
    { numRuns: 150 },
  );
});

test("the judge is deterministic, and nobody is closed where nothing is gated", () => {
  const data = groupsDataOf(TEST_GROUPS);
  const judge = new Judge(new Homes(data, GATE_SETTINGS), GATE_SETTINGS);
  const record = fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(0xffffffff));
  fc.assert(
    fc.property(fc.array(record, { maxLength: 40 }), fc.boolean(), fc.nat(), (words, was, now) => {
      const records = new SwarmRecords();
      for (const [address, a, b] of words) records.add(4, Uint32Array.of(address), 0, a, b);
      const endpoints = records.wordsA.subarray(0, records.count);
      const some = (rest: number) =>
        new Set([...endpoints.keys()].filter((i) => i % 3 === rest).map((i) => records.endpointAt(i)));
      const remembered = { extra: 1, size: 0, bridges: some(0), former: some(1) };
      const memory = {
        bridgesOf: () => (was ? remembered : undefined),
        isHeld: () => !was,
        isKeptOpen: (i: number) => i % 3 === 0,
      };
      const first = judge.judge(records, memory, now);
      const roles = judge.roles.slice(0, records.count);
      assert.deepEqual(judge.judge(records, memory, now), first);
      assert.deepEqual(judge.roles.slice(0, records.count), roles);
      assert.equal(records.addresses.length >= records.count * COPY_WORDS, true);
      if (first.every(({ isGated }) => !isGated)) assert.ok(!roles.includes(ROLE.closed));
      for (const { isGated, leechers, bridges, seeds, open } of first) {
        if (isGated) assert.ok(leechers >= 2 && bridges + seeds + (was ? open : 0) > 0);
        // Two tiers at home.
        assert.ok(open <= (was ? 4 : 2));
      }
    }),
  );
});
