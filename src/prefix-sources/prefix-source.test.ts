/** The schedule of a source, and its copies. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parsePrefix } from "../network/prefix.ts";
import { PrefixSource } from "./prefix-source.ts";
import type { PrefixSourceSettings } from "./settings.ts";
import type { CopyChange } from "./source-copy.ts";
import { SourceError } from "./source-error.ts";

/** A source whose text and clock the test sets. */
class Rig {
  now = 1_000_000_000_000;
  /** The prefixes that it has; an error for a failure. */
  content: readonly string[] | Error = [];
  readonly directory: string;
  readonly source: PrefixSource;

  constructor(t: TestContext, interval = 3600) {
    const directory = mkdtempSync(join(tmpdir(), "btrt-source-"));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    this.directory = join(directory, "sources");
    const settings: PrefixSourceSettings = {
      group: 'a "b"',
      from: "http://source.example/",
      format: "list",
      select: [],
      interval,
      timeout: 1,
      maxBytes: 1,
      maxPrefixes: 1,
      copy: join(this.directory, "a.conf"),
    };
    this.source = new PrefixSource(settings, {
      read: async () => {
        if (this.content instanceof Error) throw this.content;
        return { prefixes: this.content.map((text) => parsePrefix(text).prefix), notes: [] };
      },
      now: () => this.now,
    });
  }

  /** Reads it once. @returns what became of the prefixes. */
  read(): Promise<CopyChange | undefined> {
    return new Promise((resolve) => this.source.read(resolve));
  }

  /** The lines of the copy. */
  get copied(): string[] {
    return readFileSync(this.source.copy.path, "utf8").trimEnd().split("\n");
  }

  /** The files beside it and itself. */
  get files(): string[] {
    return readdirSync(this.directory).sort();
  }
}

const networks = (count: number) => Array.from({ length: count }, (_, i) => `10.0.${i}.0/24`);

test("good prefixes become the copy; the same ones do not touch it", async (t) => {
  const rig = new Rig(t);
  rig.content = networks(2);
  assert.equal(await rig.read(), "changed");
  assert.deepEqual(rig.copied, [
    '# The prefixes of the peer group "a \\"b\\"". BTRT writes this file when its source changes.',
    "10.0.0.0/24",
    "10.0.1.0/24",
  ]);
  const before = await rig.source.copy.modified();
  assert.equal(await rig.read(), "same");
  assert.equal(await rig.source.copy.modified(), before);
  assert.equal(rig.source.copiedAtMs, before);
  assert.deepEqual(rig.files, ["a.conf"]);
});

test("it is read again after its interval, and after a failure with growing delays", async (t) => {
  const rig = new Rig(t, 300);
  assert.ok(rig.source.isDue);
  rig.content = networks(1);
  const reading = rig.read();
  assert.ok(rig.source.isReading && !rig.source.isDue);
  await reading;
  const dueAfter = (seconds: number) => {
    rig.now += seconds * 1000 - 1;
    assert.ok(!rig.source.isDue, `too early after ${seconds} s`);
    rig.now += 1;
    assert.ok(rig.source.isDue, `too late after ${seconds} s`);
  };
  dueAfter(300);
  rig.content = new SourceError("refused");
  for (const seconds of [60, 120, 240, 300, 300]) {
    assert.equal(await rig.read(), undefined);
    assert.equal(rig.source.failure, "refused");
    dueAfter(seconds);
  }
  assert.equal(rig.source.failures, 5);
  assert.equal(rig.copied.length, 2);
  rig.content = networks(1);
  await rig.read();
  assert.equal(rig.source.failure, null);
  dueAfter(300);
});

test("half of the prefixes or fewer wait until the operator confirms them", async (t) => {
  const rig = new Rig(t);
  rig.content = networks(9);
  await rig.read();
  rig.content = networks(5);
  assert.equal(await rig.read(), "changed");
  rig.content = networks(2);
  assert.equal(await rig.read(), "held");
  assert.ok(rig.source.isHeld);
  assert.deepEqual(rig.files, ["a.conf", "a.conf.held"]);
  assert.equal(rig.copied.length, 1 + 5);
  await rig.source.lookAtCopy();
  assert.ok(rig.source.isHeld);
  renameSync(rig.source.copy.heldPath, rig.source.copy.path);
  await rig.source.lookAtCopy();
  assert.ok(!rig.source.isHeld);
  assert.equal(await rig.read(), "same");
  assert.equal(rig.copied.length, 1 + 2);
});

test("what waits is forgotten when the source recovers", async (t) => {
  const rig = new Rig(t);
  rig.content = networks(4);
  await rig.read();
  rig.content = networks(1);
  assert.equal(await rig.read(), "held");
  rig.content = networks(4);
  assert.equal(await rig.read(), "same");
  assert.ok(!rig.source.isHeld);
  assert.deepEqual(rig.files, ["a.conf"]);
});

test("a copy that cannot be written is a failure", async (t) => {
  const rig = new Rig(t);
  writeFileSync(rig.directory, "not a directory");
  rig.content = networks(1);
  assert.equal(await rig.read(), undefined);
  assert.match(rig.source.failure ?? "", /^the copy cannot be written: E/);
});

test("once stopped, it is not due and reports nothing", async (t) => {
  const rig = new Rig(t);
  let reported = false;
  rig.content = networks(1);
  rig.source.read(() => {
    reported = true;
  });
  await rig.source.stop();
  assert.ok(!rig.source.isDue && !rig.source.isReading && !reported);
});
