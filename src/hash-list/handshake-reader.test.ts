import assert from "node:assert/strict";
import { mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isStale, readHandshakes } from "./handshake-reader.ts";
import { dpiStatistics } from "./handshake-sources.ts";
import { Handshakes } from "./handshakes.ts";

test("the end of a file is read again and again, and what is wrong with it told once", {
  timeout: 300_000,
}, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "btrt-"));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, "log");
  const handshakes = new Handshakes();
  const failures: string[] = [];
  const written: number[] = [];
  const stopping = new AbortController();
  // After a failure, too: the reader would keep the process alive.
  t.after(() => stopping.abort());
  const source = dpiStatistics(file, "seen (\\d+) refused (\\d+)");
  let readings = 0;
  const parse = (text: string) => {
    readings++;
    return source.parse(text);
  };
  const reading = readHandshakes(
    { by: "dpi", file, parse },
    {
      handshakes,
      written: (atMs) => written.push(atMs),
      failed: ({ message }) => failures.push(message),
      everyMs: 1,
      signal: stopping.signal,
    },
  );
  const put = async (text: string, at = new Date()) => {
    await writeFile(`${file}.new`, text);
    await utimes(`${file}.new`, at, at);
    await rename(`${file}.new`, file);
    const before = readings;
    while (readings < before + 3) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const none = `${file}: no line matches the pattern`;
  await put("nothing yet\n");
  assert.deepEqual(failures.slice(-1), [none]);
  await put("seen 100 refused 10\nseen 200 ref");
  assert.deepEqual(handshakes.read(), [{ direction: "any", seen: 0, refused: 0 }]);
  await put(`seen 999 refused 999\n${"x\n".repeat(40_000)}seen 130 refused 11\n`);
  assert.deepEqual(handshakes.read(), [{ direction: "any", seen: 30, refused: 1 }]);
  await put(`seen 999 refused 999${"x".repeat(70_000)}\n`);
  assert.deepEqual(failures.slice(-2), [none, none], "it is told again after there have been counts");
  assert.ok(failures.length <= 3);
  assert.ok(written.length > 0 && written.every((atMs) => !isStale(atMs)));

  const old = new Date("2001-02-03T04:05:06Z");
  failures.length = 0;
  await put("seen 150 refused 13\n", old);
  assert.deepEqual(failures, [`${file}: has not been written since 2001-02-03T04:05:06.000Z`], "once");
  assert.deepEqual(handshakes.read(), [{ direction: "any", seen: 50, refused: 3 }], "they are counted");
  assert.ok(isStale(written.at(-1) ?? 0));

  stopping.abort();
  await reading;
});
