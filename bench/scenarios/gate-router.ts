/** The work of `btrt gate` on a router with large lists: loading them, and changing them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, createWriteStream, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  changeEvents,
  ELEMENTS_PER_EVENT,
  encodeGateEvent,
  type GateElements,
} from "../../src/gate/protocol.ts";
import { gateLists } from "../load/gate-lists.ts";
import { RouterNetwork } from "../load/router-network.ts";
import { secondsWithChildren } from "../processor-time.ts";
import type { Setting } from "../setting.ts";
import { spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";

const SERVER = fileURLToPath(new URL("../../test/support/gate-server.ts", import.meta.url));
const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const PORT = "6970";
const TOKEN = "0123456789abcdef";
const ELEMENTS = 1_000_000;

/** Where the change is looked for: a list that is otherwise empty, as nft reads whole lists. */
const CHANGED_SET = "gate_far4";

/** Waits for nft between two looks. */
const LOOK_EVERY_MS = 20;

/** @returns one table. */
export async function measureGateRouter({ directory, rounds, quick }: Setting): Promise<Table> {
  const elements = quick ? ELEMENTS / 100 : ELEMENTS;
  const events = join(directory, "events");
  await writeEvents(events, elements);
  const network = new RouterNetwork();
  const server = run(network, [SERVER, "127.0.0.1", PORT, events, TOKEN]);
  await hasSpoken(server);
  const tokenFile = join(directory, "token");
  writeFileSync(tokenFile, TOKEN);
  const url = `http://127.0.0.1:${PORT}`;
  const follower = run(network, [MAIN, "gate", "--follow", url, "--token-file", tokenFile]);
  try {
    const began = performance.now();
    await hasSpoken(follower);
    const loading = (performance.now() - began) / 1000;
    const work = secondsWithChildren(follower.pid!);
    const memory = residentMegabytes(follower.pid!);
    const one: number[] = [];
    const many: number[] = [];
    for (let i = 0; i < rounds; i++) {
      one.push(await changeTakes(network, events, i, 1));
      many.push(await changeTakes(network, events, i, 10_000));
    }
    return {
      title: "The gate on a router",
      notes: [
        `btrt gate --follow, with ${formatCount(elements)} elements: subscribers with one endpoint and two torrents each.`,
        "A change: from the tracker's sending it until nft has it.",
      ],
      columns: ["", ""],
      rows: [
        ["loads all lists: seconds", loading.toFixed(1)],
        ["processor time of that, with nft: seconds", work.toFixed(1)],
        ["memory of the follower: MB", memory.toFixed(0)],
        ["a change of one element: ms", formatSpread(spreadOf(one), 0)],
        ["a change of 10,000 elements: ms", formatSpread(spreadOf(many), 0)],
      ],
    };
  } finally {
    for (const child of [follower, server]) child.kill("SIGKILL");
    network.remove();
  }
}

/** Writes a snapshot, as a tracker sends it. */
async function writeEvents(file: string, elements: number): Promise<void> {
  const ranges = ["10.0.0.0/8", "203.0.113.0/24"];
  const homes = [{ id: 1, name: "operator", members: ranges, inside: ranges }];
  const begin = { event: "begin", format: 1, version: 1, tracker: "bench", aliveSeconds: 20, homes } as const;
  const output = createWriteStream(file);
  output.write(encodeGateEvent(begin));
  for (const add of gateLists(elements, ELEMENTS_PER_EVENT))
    for (const event of changeEvents(1, add, {})) output.write(encodeGateEvent(event));
  output.end(encodeGateEvent({ event: "ready", version: 1 }));
  await once(output, "finish");
}

/** @returns milliseconds. */
async function changeTakes(
  network: RouterNetwork,
  events: string,
  round: number,
  count: number,
): Promise<number> {
  const far = Array.from(
    { length: count },
    (_, i) => `192.${round}.${count > 1 ? 1 : 0}.${i & 0xff} ${1 + (i >> 8)}`,
  );
  const last = far.at(-1)!.replace(" ", " . ");
  const text = (add: GateElements, remove: GateElements) =>
    [...changeEvents(2, add, remove)].map(encodeGateEvent).join("");
  const began = performance.now();
  appendFileSync(events, text({ far }, {}));
  while (!network.list(CHANGED_SET).includes(last)) await delay(LOOK_EVERY_MS);
  const took = performance.now() - began;
  appendFileSync(events, text({}, { far }));
  while (network.list(CHANGED_SET).includes(last)) await delay(LOOK_EVERY_MS);
  return took;
}

/** Runs a program of the project in the router's namespace. */
function run(network: RouterNetwork, args: readonly string[]): ChildProcess {
  return spawn("ip", ["netns", "exec", network.router, process.execPath, ...args], { stdio: "pipe" });
}

/** Waits for the first words of a program. */
async function hasSpoken({ stdout, stderr }: ChildProcess): Promise<void> {
  const [first] = await Promise.race([once(stdout!, "data"), once(stderr!, "data")]);
  if (!/^listening|^btrt: the router has/.test(String(first))) throw new Error(String(first));
}

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]) / 1000;
}
