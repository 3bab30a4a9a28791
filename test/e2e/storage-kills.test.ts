/** Trackers and database servers that are killed at random moments under load. */
import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { announce, scrape } from "../support/announce.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { MariaDb } from "../support/mariadb.ts";
import { toolsMissing } from "../support/tools.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

const KILLS = 50;
/** Trackers that run at the same time and are killed repeatedly. */
const LANES = 5;
const SERVER_KILLS = 6;

const SAVE_INTERVAL = 2;
/** Between two looks at the status of a tracker. */
const POLL_MS = 200;

const SWARMS = 8;
const SENDERS = 2;

const CONFIG =
  'workers: 1\nlisten: { http: ["127.0.0.1:0"], udp: [] }\ntracker: { ip_parameter: ["127.0.0.0/8"] }\n';

/** The announces to one tracker over all its runs: every peer once, with the time of its answer in milliseconds. */
class Announced {
  readonly hashes = Array.from({ length: SWARMS }, () => randomBytes(20));
  readonly #answered: Map<number, number>[] = this.hashes.map(() => new Map());
  readonly #sent: Set<number>[] = this.hashes.map(() => new Set());
  #port = 1;

  /** Announces until the tracker has ended. @returns when that was noticed. */
  async load(url: string): Promise<void> {
    await Promise.all(Array.from({ length: SENDERS }, () => this.#send(url)));
  }

  async #send(url: string): Promise<void> {
    for (;;) {
      const port = this.#port++;
      const swarm = port % SWARMS;
      this.#sent[swarm].add(port);
      try {
        const ip = `12.0.${port >> 8}.${port & 255}`;
        await announce(url, { infoHash: this.hashes[swarm], port, ip, numWant: 0 });
      } catch {
        return;
      }
      this.#answered[swarm].set(port, performance.now());
    }
  }

  /** Kills the tracker. Peers whose answer came after `safe` may be lost. */
  forget(safe: number): void {
    for (const answered of this.#answered) {
      for (const [port, at] of answered) if (at >= safe) answered.delete(port);
    }
  }

  /** Checks that a tracker has all peers that must not be lost, and none that were never announced. */
  async check({ url, log }: TrackerProcess): Promise<void> {
    const said = log.map(({ level, msg }) => `${level}: ${msg}`).join("\n");
    for (const [swarm, infoHash] of this.hashes.entries()) {
      const kept = this.#answered[swarm].size;
      const { incomplete } = await scrape(url, infoHash);
      assert.ok(incomplete >= kept, `${incomplete} peers, of ${kept} that must have been saved\n${said}`);
      const { peers } = await announce(url, { infoHash, port: 65_000 + swarm, numWant: 200 });
      await announce(url, { infoHash, port: 65_000 + swarm, event: "stopped" });
      for (const peer of peers) {
        assert.ok(this.#sent[swarm].has(Number(peer.split(":")[1])), `${peer} was never announced`);
      }
    }
  }
}

/** Follows the saves of a tracker by its status, until the tracker has ended. */
class Saves {
  /** The last save that has ended began after this time: of `performance.now()`. */
  begun = 0;

  async follow(admin: string): Promise<void> {
    let known: string | null | undefined;
    let asked = performance.now();
    for (;;) {
      const askedBefore = asked;
      asked = performance.now();
      try {
        const { savedAt, saveSeconds } = (await askStatus(admin)).database;
        // A save that the last status did not have has ended since.
        if (known !== undefined && savedAt !== known) this.begun = askedBefore - saveSeconds * 1000;
        known = savedAt;
      } catch {
        return;
      }
      await delay(POLL_MS);
    }
  }

  /**
   * Announces after this time may be lost with a tracker that was killed. It saves every {@link SAVE_INTERVAL}, unless
   * the machine is so busy that it comes later.
   */
  safe(killed: number): number {
    return Math.min(killed - SAVE_INTERVAL * 1000, this.begun);
  }
}

/** One tracker after the other on the same database. Each is killed. */
async function killAgainAndAgain(t: TestContext, kills: number, database: string): Promise<void> {
  const bed = await Bed.open(t);
  const config = `${CONFIG}database: { save_interval: ${SAVE_INTERVAL}, ${database} }\n`;
  const announced = new Announced();
  const saves = new Saves();
  for (let kill = 0; kill <= kills; kill++) {
    const tracker = await TrackerProcess.start(bed, config);
    await announced.check(tracker);
    const load = Promise.all([announced.load(tracker.url), saves.follow(tracker.admin)]);
    if (kill === 0) await until("the tracker has saved", () => saves.begun > 0);
    await delay(randomInt(SAVE_INTERVAL * 1500));
    const killed = performance.now();
    await tracker.process.stop(kill < kills ? "SIGKILL" : "SIGTERM");
    await load;
    if (kill < kills) announced.forget(saves.safe(killed));
    const damage = tracker.log.filter(({ level }) => level === "error" || level === "critical");
    if (!database.includes("tcp")) assert.deepEqual(damage, []);
  }
  const last = await TrackerProcess.start(bed, config);
  await announced.check(last);
  await last.stop();
}

test(`${KILLS} times killed, and never more than save_interval is lost`, { timeout: 600_000 }, async (t) => {
  await Promise.all(
    Array.from({ length: LANES }, () => killAgainAndAgain(t, KILLS / LANES, "required: true")),
  );
});

test("the same with MariaDB, which is killed as well, and comes back", {
  skip: toolsMissing(["mariadb-server"]),
  timeout: 600_000,
}, async (t) => {
  const server = await MariaDb.start(t);
  const lanes = await Promise.all(
    [0, 1].map(async () => {
      const { url, user, password, schema } = await server.makeSchema();
      const keys = { url, user, password, schema, auto_upgrade: true };
      return Object.entries(keys)
        .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
        .join(", ");
    }),
  );
  await Promise.all(lanes.map((database) => killAgainAndAgain(t, KILLS / LANES / 2, database)));

  const bed = await Bed.open(t);
  const config = `${CONFIG}database: { save_interval: ${SAVE_INTERVAL}, ${lanes[0]} }\n`;
  const tracker = await TrackerProcess.start(bed, config);
  const announced = new Announced();
  const saves = new Saves();
  const load = Promise.all([announced.load(tracker.url), saves.follow(tracker.admin)]);
  for (let kill = 0; kill < SERVER_KILLS; kill++) {
    await delay(randomInt(SAVE_INTERVAL * 500));
    const lines = tracker.log.length;
    await server.kill();
    await tracker.logged("that it is away", ({ msg }) => /nothing is saved/.test(msg), lines);
    await server.start();
    await tracker.logged("that it is back", ({ msg }) => /is available again/.test(msg), lines);
  }
  await delay(SAVE_INTERVAL * 500);
  const killed = performance.now();
  await tracker.process.stop("SIGKILL");
  await load;
  announced.forget(saves.safe(killed));
  const next = await TrackerProcess.start(bed, config);
  await announced.check(next);
  assert.equal(await runBtrt(bed, ["db", "status", "--config", bed.path("btrt.conf")]).ended, 0);
});
