/**
 * Texts of prefix sources that no one thought of: every parser takes or refuses them, and the prefixes that it finds are
 * few enough, narrow enough, in order and different.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { comparePrefixes, formatPrefix, parsePrefix } from "../../src/network/prefix.ts";
import { PREFIX_FORMAT_NAMES, PREFIX_FORMATS } from "../../src/prefix-sources/formats/formats.ts";
import { PrefixCollector } from "../../src/prefix-sources/prefix-collector.ts";
import { SourceError } from "../../src/prefix-sources/source-error.ts";
import { textLines } from "../../src/prefix-sources/text-lines.ts";

const LIMIT = 20;
const runs = { numRuns: 3000 };

/** Pieces of all formats. */
const piece = fc.oneof(
  fc.constantFrom(
    ...'\n|\r\n|\n\n| |\t|+|#|%|,|:|::|/|{|}|[|]|"|\\'.split("|"),
    ...[
      "192.0.2.0/24",
      "192.0.2.77",
      "2001:db8::/32",
      "10.0.0.0/8",
      "::ffff:192.0.2.0/120",
      "0.0.0.0/0",
      "::/0",
    ],
    ...[
      "route:",
      "route6:",
      "origin:",
      "as-set:",
      "members:",
      "mp-members:",
      "descr:",
      "%ERROR:101:",
      "% comment",
    ],
    ...["AS64500", "as064500", "AS-SET", "AS-OTHER", "AS1:AS-SET", "AS0", "AS4294967296"],
    ...[
      "BIRD 2.0.12 ready.",
      "Table master4:",
      "unicast [a 13:30:04.169] * (100) [AS64500i]",
      "1007-",
      "     ",
    ],
    ...[
      '{"network-map":',
      '{"a":',
      '{"ipv4":[',
      '"192.0.2.0/24"',
      '"ipv6":[',
      "]",
      "}}}",
      '"__proto__":',
      "null",
    ],
  ),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.nat().map(String),
);
const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));

const selections = [[], ["AS64500"], ["AS-SET"], ["a"]];

describe("texts that no one thought of", () => {
  for (const format of PREFIX_FORMAT_NAMES) {
    it(format, () => {
      let good = 0;
      fc.assert(
        fc.property(text, fc.constantFrom(...selections), (input, selection) => {
          const found = new PrefixCollector(LIMIT);
          try {
            const parser = PREFIX_FORMATS[format].parser(found, selection);
            for (const [i, line] of input.split("\n").entries()) parser.line(line, i + 1);
            parser.end();
            const { prefixes, notes } = found.finish();
            good++;
            assert.ok(prefixes.length > 0 && prefixes.length <= LIMIT);
            for (const [i, prefix] of prefixes.entries()) {
              assert.ok(i === 0 || comparePrefixes(prefixes[i - 1], prefix) < 0);
              assert.deepEqual(parsePrefix(formatPrefix(prefix)), { prefix, hostBitsSet: false });
              assert.ok(prefix.length >= 7);
            }
            for (const note of notes) assert.match(note, /^[\x20-\x7e]+$/);
          } catch (error) {
            if (!(error instanceof SourceError)) throw error;
            assert.match(error.message, /^[\x20-\x7e]{1,300}$/);
          }
        }),
        { ...runs, examples: [[`192.0.2.0/24`, selections[0]]] },
      );
      if (format === "list") assert.ok(good > 0);
    });
  }
});

it("lines are the same however the text is cut, and damaged gzip data is refused", async () => {
  const collect = async (pieces: readonly Uint8Array[]) => {
    const lines: string[] = [];
    async function* bytes() {
      yield* pieces;
    }
    for await (const each of textLines(bytes(), 2 ** 20)) lines.push(...each);
    return lines;
  };
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(100)), async (input, cuts) => {
      const bytes = Buffer.from(input);
      const places = [0, ...cuts.filter((at) => at < bytes.length).sort((a, b) => a - b), bytes.length];
      const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
      const whole = bytes.toString("utf8").replace(/^\ufeff/, "");
      const expected = whole.split("\n").map((line) => line.replace(/\r$/, ""));
      if (expected.at(-1) === "" && !whole.endsWith("\r")) expected.pop();
      assert.deepEqual(await collect(pieces), expected);
    }),
    { numRuns: 500 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (junk) => {
      await assert.rejects(collect([Buffer.from([0x1f, 0x8b]), junk]), { message: "damaged gzip data" });
    }),
    { numRuns: 300 },
  );
});
