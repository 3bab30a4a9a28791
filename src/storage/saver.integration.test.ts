import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";
import { BEFORE_ALL, type Database, DatabaseError } from "./database.ts";
import { Saver } from "./saver.ts";
import { openFreshDatabase } from "./sqlite/fresh-database.ts";
import { SwarmLoader } from "./swarm-loader.ts";

const EXPIRY = 3900;
const noRest = async () => {};

/** A tracker, and what saves it. */
class Tested {
  readonly fixture: TrackerFixture;
  readonly saver: Saver;
  readonly database: Database;

  constructor(database: Database, fixture = new TrackerFixture()) {
    this.fixture = fixture;
    this.database = database;
    this.saver = new Saver(fixture.store, () => fixture.clock.seconds);
  }

  /** @returns how many rows were written. */
  async save(database = this.database): Promise<number> {
    const before = this.saver.written;
    await this.saver.save(database, noRest);
    return this.saver.written - before;
  }

  /** Another tracker that has loaded what is in the database, some time later. */
  async restart(later = 0, maxPeers = 100_000): Promise<Tested> {
    const fixture = new TrackerFixture({ maxPeers });
    fixture.clock.seconds = this.fixture.clock.seconds + later;
    const loader = new SwarmLoader(fixture.store, {
      groups: fixture.groups,
      peerExpiry: EXPIRY,
      stallSeconds: 600,
    });
    for (const row of await this.database.readSwarms(BEFORE_ALL, 100_000, true)) {
      assert.ok(loader.load(row, fixture.clock.seconds));
    }
    return new Tested(this.database, fixture);
  }

  /** Everything that a client can see of some swarms. */
  seen(swarms: number): object[] {
    const { fixture } = this;
    return Array.from({ length: swarms }, (_, swarm) => {
      const counts = fixture.scrape(swarm);
      fixture.announce("99.0.0.1", { swarm, numWant: 1000, left: 5 });
      const told = new Set(fixture.returnedAll());
      fixture.announce("99.0.0.1", { swarm, event: ANNOUNCE_EVENT.stopped });
      return { counts, told };
    });
  }
}

test("loaded swarms equal the saved ones: peers, counts, groups and ages", async (t) => {
  const before = new Tested(await openFreshDatabase(t));
  for (let i = 0; i < 170; i++) {
    const address =
      i % 3 === 0 ? `2001:db8:1${1 + (i % 2)}::${i.toString(16)}` : `${11 + (i % 4)}.0.${i >> 8}.${i & 255}`;
    const event = i % 5 === 0 ? ANNOUNCE_EVENT.completed : ANNOUNCE_EVENT.started;
    before.fixture.announce(address, { swarm: i % 7 === 0 ? 1 : 0, left: i % 5, event });
  }
  before.fixture.clock.seconds += 3000;
  before.fixture.announce("11.9.9.9", { swarm: 0 });
  assert.equal(await before.save(), 2);
  const after = await before.restart();
  assert.deepEqual(after.seen(2), before.seen(2));
  assert.deepEqual(
    new Set(after.fixture.peers().map((each) => JSON.stringify(each))),
    new Set(before.fixture.peers().map((each) => JSON.stringify(each))),
  );
  after.fixture.announce("14.0.0.0", { swarm: 0, left: 0, event: ANNOUNCE_EVENT.completed });

  const later = await before.restart(1000);
  assert.deepEqual(later.fixture.scrape(1), [0, 0, 0], "peers of 4000 seconds ago are left out");
  assert.deepEqual(later.fixture.scrape(0).slice(0, 2), [0, 1], "the one of 1000 seconds ago is not");
  assert.equal(later.fixture.scrape(0)[2], before.fixture.scrape(0)[2]);
});

test("swarms with more peers than are read at once are loaded completely", async (t) => {
  const before = new Tested(await openFreshDatabase(t));
  for (let i = 0; i < 1500; i++) {
    before.fixture.announce(i % 2 === 0 ? `2001:db8:11::${i.toString(16)}` : `11.0.${i >> 8}.${i & 255}`);
  }
  await before.save();
  const after = await before.restart();
  const addresses = (tested: Tested) => tested.fixture.peers().map(({ address }) => address);
  assert.deepEqual(addresses(after).sort(), addresses(before).sort());
  assert.deepEqual(after.fixture.scrape(), [0, 1500, 0]);
});

test("a peer that completed before the restart is not counted again", async (t) => {
  const before = new Tested(await openFreshDatabase(t));
  before.fixture.announce("11.0.0.1", { left: 0, event: ANNOUNCE_EVENT.completed });
  await before.save();
  const after = await before.restart();
  after.fixture.announce("11.0.0.1", { left: 0, event: ANNOUNCE_EVENT.completed });
  assert.deepEqual(after.fixture.scrape(), [1, 0, 1]);
});

test("only changed swarms are written", async (t) => {
  const tested = new Tested(await openFreshDatabase(t));
  for (let swarm = 0; swarm < 1000; swarm++) tested.fixture.announce("11.0.0.1", { swarm });
  assert.equal(await tested.save(), 1000);
  assert.equal(await tested.save(), 0);
  for (const swarm of [3, 999]) tested.fixture.announce("11.0.0.1", { swarm });
  assert.equal(await tested.save(), 2);
  const after = await tested.restart();
  assert.equal(await after.save(), 0, "what was loaded has not changed");
  assert.equal(await (await tested.restart(EXPIRY + 1)).save(), 1000, "what was left out has");
});

test("counts outlive the last peer, and continue when the torrent comes back", async (t) => {
  const tested = new Tested(await openFreshDatabase(t));
  const { fixture } = tested;
  const begin = fixture.clock.seconds;
  fixture.announce("11.0.0.1", { left: 0, event: ANNOUNCE_EVENT.completed });
  await tested.save();
  fixture.announce("11.0.0.2", { left: 0, event: ANNOUNCE_EVENT.completed });
  for (const address of ["11.0.0.1", "11.0.0.2"])
    fixture.announce(address, { event: ANNOUNCE_EVENT.stopped });
  await tested.save();
  const [inactive] = await tested.database.readSwarms(BEFORE_ALL, 2, false);
  assert.deepEqual([inactive.downloaded, inactive.peers.length, inactive.firstSeen], [2, 0, begin]);
  assert.deepEqual(await tested.database.readSwarms(BEFORE_ALL, 2, true), []);

  fixture.clock.seconds += 100_000;
  const after = await tested.restart(1);
  after.fixture.announce("11.0.0.3", { left: 0, event: ANNOUNCE_EVENT.completed });
  assert.deepEqual(after.fixture.scrape(), [1, 0, 1]);
  await after.save();
  assert.deepEqual(after.fixture.scrape(), [1, 0, 3]);
  const [back] = await tested.database.readSwarms(BEFORE_ALL, 2, true);
  assert.deepEqual([back.downloaded, back.firstSeen], [3, begin]);
});

test("a torrent that came and went between two saves leaves its count; without a count it leaves no row", async (t) => {
  const tested = new Tested(await openFreshDatabase(t));
  const comeAndGo = (
    swarm: number,
    event: typeof ANNOUNCE_EVENT.completed | typeof ANNOUNCE_EVENT.started,
  ) => {
    tested.fixture.announce("11.0.0.1", { swarm, left: 0, event });
    tested.fixture.announce("11.0.0.1", { swarm, event: ANNOUNCE_EVENT.stopped });
  };
  for (let i = 0; i < 3; i++) comeAndGo(1, ANNOUNCE_EVENT.completed);
  comeAndGo(2, ANNOUNCE_EVENT.started);
  await tested.save();
  const rows = await tested.database.readSwarms(BEFORE_ALL, 10, false);
  assert.deepEqual(
    rows.map(({ downloaded, peers }) => [downloaded, peers.length]),
    [[3, 0]],
  );
});

test("when more swarms vanish than the rings hold, exactly their rows are found", async (t) => {
  const tested = new Tested(await openFreshDatabase(t));
  for (let swarm = 0; swarm < 5000; swarm++) tested.fixture.announce("11.0.0.1", { swarm });
  await tested.save();
  for (let swarm = 10; swarm < 5000; swarm++) {
    tested.fixture.announce("11.0.0.1", { swarm, event: ANNOUNCE_EVENT.stopped });
  }
  await tested.save();
  assert.equal(tested.saver.missed, 4990, "one shard, and its ring was never looked at");
  const { swarms, inactive } = await tested.database.size();
  assert.deepEqual([swarms, inactive], [5000, 4990]);
  assert.deepEqual((await tested.restart()).seen(20), tested.seen(20));
});

/** A database that fails at every `nth` statement. */
function failing(database: Database, nth: number): Database {
  let statements = 0;
  return new Proxy(database, {
    get: (target, name) => {
      const method = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        if (++statements % nth === 0) throw new DatabaseError("unavailable", "unavailable");
        return method.apply(target, args);
      };
    },
  });
}

test("whenever the database fails, nothing is lost after its recovery", async (t) => {
  const database = await openFreshDatabase(t);
  const step = fc.record({
    swarm: fc.nat({ max: 400 }),
    host: fc.nat({ max: 3 }),
    kind: fc.constantFrom("announce", "announce", "complete", "stop"),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 2, max: 5 }),
      async (steps, nth) => {
        for (const { infoHash } of await database.readSwarms(BEFORE_ALL, 10_000, false)) {
          await database.writeSwarms([
            { infoHash, firstSeen: 0, lastSeen: 0, downloaded: 0, peers: new Uint8Array(0) },
          ]);
        }
        await database.deleteInactive(1, 10_000);
        const tested = new Tested(database);
        const bad = failing(database, nth);
        for (const [i, { swarm, host, kind }] of steps.entries()) {
          const event = { announce: 0, complete: 2, stop: 3 } as const;
          tested.fixture.announce(`11.0.0.${host}`, {
            swarm,
            left: kind === "complete" ? 0 : 5,
            event: event[kind],
          });
          if (i % 7 === 0) await tested.save(bad).catch((error) => assert.ok(error instanceof DatabaseError));
        }
        await tested.save();
        assert.equal(await tested.save(), 0);
        const after = await tested.restart();
        assert.deepEqual(after.seen(401), tested.seen(401));
      },
    ),
    { numRuns: 25 },
  );
});

test("a save says so if a shard could not be locked, and the next one writes its swarms", async (t) => {
  const tested = new Tested(await openFreshDatabase(t));
  const { store } = tested.fixture;
  for (let swarm = 0; swarm < 50; swarm++) tested.fixture.announce("11.0.0.1", { swarm });
  store.enterShard(0);
  assert.equal(await tested.saver.save(tested.database, noRest), false);
  store.leave(0);
  const before = tested.saver.written;
  assert.ok(before < 50);
  assert.equal(await tested.saver.save(tested.database, noRest), true);
  assert.equal(tested.saver.written, 50);
});

test("an invalid row is counted and skipped", () => {
  const fixture = new TrackerFixture();
  const loader = new SwarmLoader(fixture.store, {
    groups: fixture.groups,
    peerExpiry: EXPIRY,
    stallSeconds: 600,
  });
  const facts = { firstSeen: 1, lastSeen: 1, downloaded: 1 };
  assert.ok(loader.load({ infoHash: new Uint8Array(20), ...facts, peers: Uint8Array.of(1, 2, 3) }, 1));
  assert.equal(loader.counts.broken, 1);
  assert.equal(fixture.store.swarmCount, 0);
});

test("a smaller store loads as many swarms as fit", async (t) => {
  const before = new Tested(await openFreshDatabase(t));
  for (let i = 0; i < 300; i++) before.fixture.announce(`11.0.${i >> 8}.${i & 255}`);
  await before.save();
  const after = await before.restart(0, 100);
  assert.equal(after.fixture.scrape()[1], 100);
});
