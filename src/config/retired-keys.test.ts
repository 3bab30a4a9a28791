import assert from "node:assert/strict";
import { test } from "node:test";
import { VERSION } from "../platform/version.ts";
import { parseDocument } from "./document.ts";
import { formatProblem } from "./problem.ts";
import { moveRetiredKeys, RETIRED_KEYS } from "./retired-keys.ts";
import { configSchema } from "./schema.ts";
import { dottedKeys } from "./schema-tree.ts";
import { validate } from "./validate.ts";

const RETIRED = [
  { key: "tracker.announce_interval", nowCalled: "tracker.interval", until: 2 },
  { key: "threads", nowCalled: "workers", until: 2 },
  { key: "log_level", nowCalled: "logging.level", until: 2 },
  { key: "tracker.gzip", until: 2 },
  { key: "neighbors_wait", nowCalled: "tracker.neighbors_wait", unit: "milliseconds" as const, until: 2 },
];

function load(text: string) {
  const document = parseDocument(text, "f");
  assert.ok("value" in document);
  const warnings = moveRetiredKeys(document, "f", RETIRED).map(formatProblem);
  const { config, problems } = validate(document, "f");
  return { config, warnings, problems: problems.map(formatProblem) };
}

test("a renamed key still means what it did, and a warning has its new name", () => {
  const { config, warnings, problems } = load(
    "threads: 3\ntracker:\n  announce_interval: 1200\nlog_level: error\n",
  );
  assert.deepEqual(problems, []);
  assert.deepEqual([config?.workers, config?.tracker.interval, config?.logging.level], [3, 1200, "error"]);
  assert.deepEqual(warnings, [
    "f:3:3: tracker.announce_interval: is called tracker.interval now",
    "f:1:1: threads: is called workers now",
    "f:4:1: log_level: is called logging.level now",
  ]);
});

test("a removed key does nothing, and a new name that is set counts", () => {
  const { config, warnings, problems } = load("threads: 3\nworkers: 2\ntracker: { gzip: true }\n");
  assert.deepEqual(problems, []);
  assert.equal(config?.workers, 2);
  assert.deepEqual(warnings, [
    "f:1:1: threads: is called workers now, which is set, too",
    "f:3:12: tracker.gzip: does nothing any more",
  ]);
});

test("a key that was in milliseconds is converted to seconds", () => {
  const { config, warnings, problems } = load("neighbors_wait: 300\n");
  assert.deepEqual(problems, []);
  assert.equal(config?.tracker.neighbors_wait, 0.3);
  assert.deepEqual(warnings, ["f:1:1: neighbors_wait: is called tracker.neighbors_wait now, in seconds"]);
  assert.equal(load("neighbors_wait: long\n").problems.length, 1);
});

test("a wrong value under an old name is a mistake at its new one, and nothing else is touched", () => {
  assert.deepEqual(load("threads: many\n").problems.length, 1);
  for (const text of ["", "tracker: 5\n", "tracker:\n", "[1]\n", "workers: 2\n"])
    assert.deepEqual(load(text).warnings, []);
});

test("each retired key leads to one that there is, and goes with its major version", () => {
  const keys = dottedKeys(configSchema);
  for (const { key, nowCalled, until } of RETIRED_KEYS) {
    assert.ok(!keys.includes(key), key);
    if (nowCalled !== undefined) assert.ok(keys.includes(nowCalled), nowCalled);
    assert.ok(Number(VERSION.split(".")[0]) < until, `${key}: its time is over: take it out`);
  }
});
