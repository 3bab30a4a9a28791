import assert from "node:assert/strict";
import { test } from "node:test";
import { probeUring } from "./probe.ts";

test("another system and an old kernel are reported", async () => {
  assert.equal(
    await probeUring({ platform: "darwin", kernel: "25.0.0" }),
    "io_uring exists on Linux only, and this is darwin",
  );
  assert.equal(
    await probeUring({ platform: "linux", kernel: "5.10.0-28-amd64" }),
    "Linux 5.10.0-28-amd64 is older than 6.1",
  );
  assert.equal(await probeUring({ platform: "linux", kernel: "6.0.19" }), "Linux 6.0.19 is older than 6.1");
});
