import assert from "node:assert/strict";
import { test } from "node:test";
import { readOnlyMappings } from "./program-memory.ts";

/** Shortened. The second mapping of the program has a page of its own, the third may be written. */
const SMAPS = `00400000-00746000 r--p 00000000 fe:00 5343127                            /usr/lib/btrt/node
Size:               3352 kB
Rss:                3352 kB
Anonymous:             0 kB
06b52000-06b56000 r--p 06751000 fe:00 5343127                            /usr/lib/btrt/node
Rss:                  16 kB
Anonymous:             8 kB
06b56000-06b7d000 rw-p 06755000 fe:00 5343127                            /usr/lib/btrt/node
Anonymous:             0 kB
7fd171d80000-7fd171f85000 r-xp 01627000 fe:00 5343127                    /usr/lib/btrt/node
Anonymous:             0 kB
7fd171f90000-7fd171f91000 r-xp 00000000 fe:00 326789                     /usr/lib/libc.so.6
Anonymous:             0 kB
7fd171f92000-7fd171f93000 r--p 00000000 00:00 0
Anonymous:             0 kB
`;

test("the mappings of a file are found that cannot be written and are as in the file", () => {
  assert.deepEqual(readOnlyMappings(SMAPS, "/usr/lib/btrt/node"), [
    { start: 0x400000n, length: 0x346000 },
    { start: 0x7fd171d80000n, length: 0x205000 },
  ]);
  assert.deepEqual(readOnlyMappings(SMAPS, "/usr/lib/btrt/other"), []);
  assert.deepEqual(readOnlyMappings("", "/usr/lib/btrt/node"), []);
});
