import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BEFORE_ALL, type Database, type SwarmRow } from "./database.ts";
import { COUNT_COLUMNS } from "./rows.ts";
import { openFreshDatabase } from "./sqlite/fresh-database.ts";
import { exportSwarms, importSwarms, SwarmFileError } from "./swarm-file.ts";

/** A swarm of some IPv4 peers, or an inactive one. */
function row(number: number, peers: number): SwarmRow {
  const bytes = new Uint8Array(peers === 0 ? 0 : 9 + peers * 10).map((_, i) => (i < 9 ? 0 : i));
  if (peers > 0) bytes.set([1, 0, 0, 0, 9, 0, 0, peers >> 8, peers]);
  const infoHash = Uint8Array.from({ length: 20 }, (_, i) =>
    i === 0 ? number >> 8 : i === 1 ? number : 0xab,
  );
  return { infoHash, firstSeen: 1, lastSeen: 2 ** 32 - 1, downloaded: number, peers: bytes };
}

function plain({ infoHash, peers, ...facts }: SwarmRow) {
  return { infoHash: [...infoHash], peers: [...peers], ...facts };
}

async function textOf(database: Database): Promise<string> {
  let text = "";
  for await (const piece of exportSwarms(database, 1_000_000_000)) text += piece;
  return text;
}

/** Bytes in pieces that end anywhere. */
async function* pieces(text: string, size = 1000): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test("an import restores the exported swarms, and replaces existing rows", async (t) => {
  const [from, to] = [await openFreshDatabase(t), await openFreshDatabase(t)];
  const rows = Array.from({ length: 1201 }, (_, i) => row(i, i % 4 === 0 ? 0 : i));
  await from.writeSwarms(rows);
  await to.writeSwarms([row(7, 1), row(2000, 1)]);
  const text = await textOf(from);
  for (const size of [777, 1 << 20])
    assert.deepEqual(await importSwarms(to, pieces(text, size)), { swarms: rows.length, totals: 0 });
  const imported = await to.readSwarms(BEFORE_ALL, 5000, false);
  assert.deepEqual(imported.map(plain), [...rows, row(2000, 1)].map(plain));
});

test("an import restores the history, also twice; a file of version 1 has none", async (t) => {
  const [from, to] = [await openFreshDatabase(t), await openFreshDatabase(t)];
  const counts = COUNT_COLUMNS.map((_, i) => i % 3);
  const totals = [300, 3600, 86_400].flatMap((span) =>
    Array.from({ length: 600 }, (_, i) => ({ span, start: 900_000_000 + i * span, group: "ours", counts })),
  );
  await from.addTotals(totals);
  await to.addTotals(totals.slice(0, 2));
  const text = await textOf(from);
  for (let times = 0; times < 2; times++)
    assert.deepEqual(await importSwarms(to, pieces(text)), { swarms: 0, totals: totals.length });
  for (const span of [300, 3600, 86_400])
    assert.deepEqual(
      await to.readTotals(span, 0),
      totals.filter((total) => total.span === span),
    );
  const former = '{"format":"btrt swarms","version":1}\n{"swarms":0}\n';
  assert.deepEqual(await importSwarms(to, pieces(former)), { swarms: 0, totals: 0 });
});

test("a truncated or invalid file is refused with the number of the line", async (t) => {
  const database = await openFreshDatabase(t);
  await database.writeSwarms([row(1, 2), row(2, 2)]);
  const text = await textOf(database);
  const [header, first, second, end] = text.split("\n");
  const cases: [string, RegExp][] = [
    ["", /cut off/],
    [`${header}\n${first}\n`, /cut off/],
    [`${header}\n${first}\n${end}\n`, /cut off/],
    [text.slice(0, -30), /line 3|cut off/],
    [`${first}\n`, /line 1: not a file/],
    [`${header.replace('"version":2', '"version":3')}\n${end}`, /line 1: version 3 is not known/],
    [`${header}\n{"span":5,"start":0,"group":"","counts":{}}\n`, /line 2: span is not known/],
    [`${header}\n{"span":3600,"start":0,"group":"","counts":{"x":1}}\n`, /line 2: x is not known/],
    [`${header}\n{"span":3600,"start":0,"group":""}\n`, /line 2: counts is not known/],
    [`${header}\n{"span":3600,"start":-1,"group":"","counts":{}}\n`, /line 2: start, group or counts/],
    [
      `${header}\n{"span":3600,"start":0,"group":"","counts":{"announces":0.5}}\n`,
      /line 2: start, group or counts/,
    ],
    [`${header}\nrubbish\n`, /line 2: not what/],
    [`${header}\nnull\n`, /line 2: not what/],
    [`${text}${second}\n`, /line 5: nothing is expected/],
    [text.replace(/"info_hash":"../, '"info_hash":"'), /line 2: info_hash/],
    [text.replace(/"peers":"..../, '"peers":"'), /line 2: peers/],
    [text.replace(/"downloaded":\d+/, '"downloaded":-1'), /line 2: downloaded/],
    [text.replace(/"last_seen":\d+/, '"last_seen":4294967296'), /line 2: last_seen/],
    ["x".repeat(33 * 2 ** 20), /more than/],
  ];
  for (const [content, reason] of cases) {
    await assert.rejects(importSwarms(database, pieces(content, 1 << 20)), (error) => {
      assert.ok(error instanceof SwarmFileError, String(error));
      assert.match(error.message, reason);
      return true;
    });
  }
});

test("any file is imported or refused", async (t) => {
  const database = await openFreshDatabase(t);
  await database.writeSwarms([row(1, 2)]);
  const text = await textOf(database);
  const change = fc.record({
    at: fc.nat({ max: text.length }),
    length: fc.nat({ max: 9 }),
    by: fc.string({ maxLength: 9 }),
  });
  await fc.assert(
    fc.asyncProperty(change, async ({ at, length, by }) => {
      const changed = text.slice(0, at) + by + text.slice(at + length);
      await importSwarms(database, pieces(changed)).catch((error) =>
        assert.ok(error instanceof SwarmFileError),
      );
    }),
    { numRuns: 300 },
  );
});
