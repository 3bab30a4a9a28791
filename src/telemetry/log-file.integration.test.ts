import assert from "node:assert/strict";
import fs, { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { useTimeZone } from "../../test/support/time-zone.ts";
import { LogFile, type LogFileOptions } from "./log-file.ts";

const HOUR = 3600_000;
const DAY = 24 * HOUR;

/** A log in a directory of its own, with a clock that the test moves. */
class Scene {
  readonly directory: string;
  readonly complaints: string[] = [];
  clock = new Date("2026-05-10T12:00:00");
  #log: LogFile | undefined;

  constructor(directory: string) {
    this.directory = directory;
  }

  static async make(t: TestContext): Promise<Scene> {
    const top = await mkdtemp(join(tmpdir(), "btrt-log-"));
    const scene = new Scene(join(top, "deep", "log"));
    t.after(async () => {
      await scene.#log?.close();
      await rm(top, { recursive: true, force: true });
    });
    return scene;
  }

  open(options: Partial<LogFileOptions> = {}): LogFile {
    this.#log = new LogFile({
      directory: this.directory,
      switchTime: "01:00:00",
      keepDays: 30,
      now: () => this.clock,
      complain: (problem) => this.complaints.push(problem),
      ...options,
    });
    return this.#log;
  }

  advance(ms: number): void {
    this.clock = new Date(this.clock.getTime() + ms);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  names(): string[] {
    return readdirSync(this.directory).sort();
  }

  lines(name: string): string[] {
    const text = readFileSync(this.path(name), "utf8");
    assert.ok(text === "" || text.endsWith("\n"), `${name} ends within a line`);
    return text.split("\n").slice(0, -1);
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await condition())) {
    assert.ok(performance.now() < end, "waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

useTimeZone("Europe/Berlin");

test("creates its directory, and is not world-readable", async (t) => {
  const scene = await Scene.make(t);
  const log = scene.open();
  log.write("one\n");
  await log.close();
  assert.deepEqual(scene.lines("btrt.log"), ["one"]);
  assert.equal((await stat(scene.path("btrt.log"))).mode & 0o007, 0);
});

test("a directory that cannot be made is said by name", async (t) => {
  const scene = await Scene.make(t);
  await mkdir(join(scene.directory, ".."), { recursive: true });
  await writeFile(scene.directory, "in the way");
  assert.throws(() => scene.open(), {
    message: `cannot log to ${scene.directory}: it is not a directory`,
  });
});

test("switches at the time of day, by the line", async (t) => {
  const scene = await Scene.make(t);
  const log = scene.open();
  scene.clock = new Date("2026-05-11T00:59:59.999");
  log.write("last\n");
  scene.clock = new Date("2026-05-11T01:00:00");
  log.write("first\n");
  await log.close();
  assert.deepEqual(scene.names(), ["btrt-2026-05-10.log", "btrt.log"]);
  assert.deepEqual(scene.lines("btrt-2026-05-10.log"), ["last"]);
  assert.deepEqual(scene.lines("btrt.log"), ["first"]);
});

test("switches without lines, when it is looked at", async (t) => {
  const scene = await Scene.make(t);
  const log = scene.open();
  scene.advance(DAY);
  await log.check();
  assert.deepEqual(scene.names(), ["btrt-2026-05-10.log", "btrt.log"]);
});

test("switches by itself in real time", async (t) => {
  const scene = await Scene.make(t);
  // A clock of the test's own, which stands until the first line is written, however slow the machine is.
  let began: number | undefined;
  const passed = () => (began === undefined ? 0 : performance.now() - began);
  const log = scene.open({ now: () => new Date(Date.parse("2026-05-11T00:59:59") + passed()) });
  log.write("before\n");
  began = performance.now();
  const alive = setInterval(() => {}, 1000); // the log's own timer keeps no process alive
  t.after(() => clearInterval(alive));
  await until(() => scene.names().length === 2);
  log.write("after\n");
  await log.close();
  const [old, current] = scene.names();
  assert.deepEqual([scene.lines(old), scene.lines(current)], [["before"], ["after"]]);
});

test("nothing is lost, doubled or cut while lines are written across many switches", async (t) => {
  const scene = await Scene.make(t);
  const log = scene.open({ keepDays: 1000 });
  const days = 60;
  const perDay = 250;
  let total = 0;
  for (let day = 0; day < days; day++) {
    for (let i = 0; i < perDay; i++) {
      const filler = "ü".repeat(i % 50 === 7 ? 20_000 : i);
      log.write(`${day} ${total++} ${filler}\n`);
      if (i % 40 === day % 40) await new Promise(setImmediate); // lets writes get under way at odd moments
    }
    scene.advance(DAY);
    if (day % 3 === 0) await log.check();
  }
  await log.close();
  const seen: number[] = [];
  const names = scene.names();
  assert.equal(names.length, days + 1 - (days % 3 === 1 ? 0 : 1));
  for (const name of names) {
    const lines = scene.lines(name);
    for (const line of lines) {
      const [day, number, filler] = line.split(" ");
      assert.equal(day, lines[0].split(" ")[0], `${name} holds lines of one day`);
      const i = Number(number) % perDay;
      assert.equal(filler.length, i % 50 === 7 ? 20_000 : i);
      seen.push(Number(number));
    }
  }
  assert.deepEqual(
    seen,
    Array.from({ length: total }, (_, i) => i),
  );
});

test("an earlier file of the same date is never overwritten", async (t) => {
  const scene = await Scene.make(t);
  await mkdir(scene.directory, { recursive: true });
  await writeFile(scene.path("btrt-2026-05-10.log"), "kept\n");
  await writeFile(scene.path("btrt-2026-05-10.log.1"), "kept too\n");
  const log = scene.open();
  log.write("new\n");
  scene.advance(DAY);
  await log.check();
  await log.close();
  assert.deepEqual(scene.lines("btrt-2026-05-10.log"), ["kept"]);
  assert.deepEqual(scene.lines("btrt-2026-05-10.log.1"), ["kept too"]);
  assert.deepEqual(scene.lines("btrt-2026-05-10.log.2"), ["new"]);
});

test("goes on in today's file, and puts away one left from an earlier day", async (t) => {
  const scene = await Scene.make(t);
  await mkdir(scene.directory, { recursive: true });
  await writeFile(scene.path("btrt.log"), "morning\n");
  await utimes(scene.path("btrt.log"), scene.clock, new Date("2026-05-10T01:00:00"));
  let log = scene.open();
  log.write("noon\n");
  await log.close();
  assert.deepEqual(scene.names(), ["btrt.log"]);
  assert.deepEqual(scene.lines("btrt.log"), ["morning", "noon"]);

  await utimes(scene.path("btrt.log"), scene.clock, scene.clock);
  scene.advance(3 * DAY);
  log = scene.open();
  log.write("later\n");
  await log.close();
  assert.deepEqual(scene.lines("btrt-2026-05-10.log"), ["morning", "noon"]);
  assert.deepEqual(scene.lines("btrt.log"), ["later"]);
});

test("a clock set back a little goes on in the same file, set back or on by days begins another", async (t) => {
  const scene = await Scene.make(t);
  scene.clock = new Date("2026-05-10T01:05:00");
  const log = scene.open();
  log.write("a\n");
  scene.advance(-10 * 60_000);
  log.write("b\n");
  await log.check();
  assert.deepEqual(scene.names(), ["btrt.log"]);
  scene.clock = new Date("2025-01-02T12:00:00");
  log.write("c\n");
  scene.clock = new Date("2026-05-13T12:00:00");
  log.write("d\n");
  await log.close();
  assert.deepEqual(scene.lines("btrt-2026-05-10.log"), ["a", "b"]);
  assert.deepEqual(scene.lines("btrt-2025-01-02.log"), ["c"]);
  assert.deepEqual(scene.lines("btrt.log"), ["d"]);
});

test("on the day when clocks go back it switches once, though the time occurs twice", async (t) => {
  const scene = await Scene.make(t);
  scene.clock = new Date("2026-10-24T12:00:00");
  const log = scene.open({ switchTime: "02:30:00" });
  scene.clock = new Date("2026-10-24T23:00:00Z");
  for (let i = 0; i < 12 * 6; i++) {
    await log.check();
    scene.advance(10 * 60_000);
  }
  await log.close();
  assert.deepEqual(scene.names(), ["btrt-2026-10-24.log", "btrt.log"]);
});

test("deletes its own files of days longer ago than keepDays, and nothing else", async (t) => {
  const scene = await Scene.make(t);
  await mkdir(scene.directory, { recursive: true });
  const others = ["btrt-2020-01-01.log.gz", "xbtrt-2020-01-01.log", "btrt-2020-01-01.logs", "other.log"];
  const old = ["btrt-2026-05-02.log", "btrt-2026-05-02.log.3", "btrt-2020-01-01.log"];
  const young = ["btrt-2026-05-04.log", "btrt-2026-05-03.log", "btrt-2027-01-01.log"];
  for (const name of [...others, ...old, ...young]) await writeFile(scene.path(name), "");
  const log = scene.open({ keepDays: 7 });
  assert.deepEqual(scene.names(), [...others, ...young, "btrt.log"].sort());
  scene.advance(DAY);
  await log.check();
  const [gone, ...left] = young.slice(0, 2).reverse();
  assert.ok(!scene.names().includes(gone));
  assert.deepEqual(scene.names(), [...others, ...left, young[2], "btrt-2026-05-10.log", "btrt.log"].sort());
});

test("a full disk stops nothing; lines held back are written when there is room", async (t) => {
  const scene = await Scene.make(t);
  const log = scene.open();
  const full = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  const write = t.mock.method(fs, "write", (...args: unknown[]) => {
    const done = args.at(-1);
    assert.ok(typeof done === "function");
    setImmediate(() => done(full));
  });
  log.write("one\n");
  await until(() => scene.complaints.length > 0);
  log.write("two\n");
  scene.advance(DAY);
  log.write("next day\n");
  await until(() => write.mock.callCount() > 3);
  assert.match(scene.complaints[0], /^cannot write to .*btrt\.log: ENOSPC/);
  write.mock.restore();
  await until(() => scene.lines("btrt-2026-05-10.log").length === 2); // by its own retry
  await log.close();
  assert.deepEqual(scene.lines("btrt-2026-05-10.log"), ["one", "two"]);
  assert.deepEqual(scene.lines("btrt.log"), ["next day"]);
});

test("lines beyond the buffer are dropped and counted", async (t) => {
  const scene = await Scene.make(t);
  const log = scene.open();
  const line = `${"x".repeat(1024 * 1024)}\n`;
  for (let i = 0; i < 12; i++) log.write(line);
  await until(() => scene.complaints.length > 0);
  await log.close();
  const written = scene.lines("btrt.log").length;
  assert.ok(written < 12);
  assert.match(scene.complaints[0], new RegExp(`works again; ${12 - written} lines were lost`));
});

test("a directory that vanished is made again, a moved file is begun again", async (t) => {
  const scene = await Scene.make(t);
  const log = scene.open();
  log.write("lost\n");
  await rm(scene.directory, { recursive: true });
  await log.check();
  log.write("moved\n");
  await rename(scene.path("btrt.log"), scene.path("elsewhere"));
  log.write("still moved\n");
  await log.check();
  await log.check();
  log.write("here\n");
  await log.close();
  assert.deepEqual(scene.lines("elsewhere"), ["moved", "still moved"]);
  assert.deepEqual(scene.lines("btrt.log"), ["here"]);
});

test("a directory that cannot be made again is complained of, and used when it can", async (t) => {
  const scene = await Scene.make(t);
  const log = scene.open();
  await rm(scene.directory, { recursive: true });
  await writeFile(scene.directory, "in the way");
  log.write("lost\n");
  scene.advance(DAY);
  log.write("lost\n");
  await log.check();
  assert.ok(scene.complaints.length > 0);
  await rm(scene.directory);
  await log.check();
  await log.check();
  log.write("here\n");
  await log.close();
  assert.deepEqual(scene.lines("btrt.log"), ["here"]);
});

test("a switch that fails loses nothing and is made later", async (t) => {
  const scene = await Scene.make(t);
  const log = scene.open();
  const away = `${scene.directory}.away`;
  await rename(scene.directory, away);
  await writeFile(scene.directory, "in the way");
  scene.advance(DAY);
  log.write("one\n");
  log.write("two\n");
  assert.equal(scene.complaints.filter((problem) => problem.startsWith("cannot switch")).length, 1);
  await rm(scene.directory);
  await rename(away, scene.directory);
  await log.check();
  log.write("three\n");
  await log.close();
  assert.deepEqual(scene.lines("btrt-2026-05-10.log"), ["one", "two"]);
  assert.deepEqual(scene.lines("btrt.log"), ["three"]);
});

test("the end of a process without close loses nothing", async (t) => {
  const scene = await Scene.make(t);
  const log = scene.open();
  log.write("one\n");
  log.write("two\n");
  scene.advance(DAY);
  log.write("three\n");
  log.flushSync();
  await log.close();
  assert.deepEqual(scene.lines("btrt-2026-05-10.log").toSorted(), ["one", "two"]);
  assert.deepEqual(scene.lines("btrt.log"), ["three"]);
});
