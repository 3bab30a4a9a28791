/** A tracker without requests sleeps: how often its threads wake up. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { probeUring } from "../../src/engine/uring/probe.ts";
import { Bed, until } from "../support/bed.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

/** Wake-ups a second of a process with two workers, all threads together. 24 were measured. */
const WAKES_A_SECOND = 50;

const COUNTED_SECONDS = 5;

const CONFIG = `
listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }
workers: 2
neighbors: [{ name: "n", announce_request: "http://127.0.0.1:9/announce?info_hash={info_hash}" }]
`;

const uringMissing = await probeUring();

describe("a tracker without requests", () => {
  for (const engine of ["node", "uring"]) {
    const skip = engine === "uring" && uringMissing !== undefined ? uringMissing : false;
    test(`wakes up seldom, with the engine ${engine}`, { skip, timeout: 300_000 }, async (t) => {
      const tracker = await TrackerProcess.start(await Bed.open(t), `${CONFIG}engine: ${engine}\n`);
      const { pid } = tracker.process;
      const counted: number[] = [];
      // At first, what was made for the start is cleared away. How long that takes depends on the machine.
      await until("it wakes up seldom", async () => {
        const before = wakeUps(pid);
        const began = performance.now();
        await secondsPass(COUNTED_SECONDS);
        const perSecond = ((wakeUps(pid) - before) * 1000) / (performance.now() - began);
        counted.push(Math.round(perSecond));
        return perSecond < WAKES_A_SECOND;
      }).catch(() => assert.fail(`wake-ups a second: ${counted}`));
      t.diagnostic(`wake-ups a second: ${counted}`);
      assert.ok(Number(counted.at(-1)) > 1, "wake-ups are counted");
    });
  }
});

/** Waits for a number of seconds: what happens in them is what is measured. */
async function secondsPass(seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  await until("the seconds have passed", () => performance.now() >= end);
}

/** How often threads of a process have slept until now. */
function wakeUps(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "latin1");
    sum += Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(status)?.[1] ?? 0);
  }
  return sum;
}
