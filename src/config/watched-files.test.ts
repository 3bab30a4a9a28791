import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readText } from "./read-file.ts";
import { WatchedFiles } from "./watched-files.ts";

test("a change is reported when two polls find it, however it was made", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "btrt-watch-"));
  t.after(() => rm(directory, { recursive: true }));
  const [a, b] = [join(directory, "a"), join(directory, "b")];
  await writeFile(a, "1");
  const files = new WatchedFiles();
  await files.watch([a, b]);
  assert.equal(await files.changed(), false);

  await writeFile(a, "22");
  assert.equal(await files.changed(), false, "it may still be being written");
  await writeFile(a, "333");
  assert.equal(await files.changed(), false);
  assert.equal(await files.changed(), true);
  await files.watch([a, b]);
  assert.equal(await files.changed(), false);

  await writeFile(join(directory, "c"), "333");
  await rename(join(directory, "c"), a);
  await files.changed();
  assert.equal(await files.changed(), true, "replaced");
  await files.watch([a, b]);
  await writeFile(b, "");
  await files.changed();
  assert.equal(await files.changed(), true, "appeared");
  await files.watch([a, b]);
  await rm(b);
  await files.changed();
  assert.equal(await files.changed(), true, "vanished");
});

test("a change after reading and before watching is reported", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "btrt-watch-"));
  t.after(() => rm(directory, { recursive: true }));
  const [file, absent] = [join(directory, "a"), join(directory, "b")];
  await writeFile(file, "1");
  const files = new WatchedFiles();
  const read = () => readText(file, 10, files.read);
  assert.equal(await read(), "1");
  await writeFile(file, "22");
  assert.equal(await read(), "22");
  await assert.rejects(readText(absent, 10, files.read), { code: "ENOENT" });
  await files.watch([file, absent]);
  await files.changed();
  assert.equal(await files.changed(), true, "what was read first is not what there is");
  assert.equal(await read(), "22");
  await files.watch([file, absent]);
  await files.changed();
  assert.equal(await files.changed(), false);
});
