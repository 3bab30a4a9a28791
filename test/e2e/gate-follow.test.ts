/**
 * `btrt gate --follow` on a router, with the real nft, and a tracker that says what the test wants: lists get there, and
 * everything opens by itself when something in between is gone or wrong.
 */
import assert from "node:assert/strict";
import { appendFile, chmod, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { changeEvents, encodeGateEvent, type GateElements, type GateHome } from "../../src/gate/protocol.ts";
import { gateReportSchema } from "../../src/gate/report.ts";
import { routerCounters } from "../../src/hash-list/handshake-sources.ts";
import { formatRuleset } from "../../src/hash-list/nftables-ruleset.ts";
import { parsePrefix } from "../../src/network/prefix.ts";
import { Bed, ip, type Process, until } from "../support/bed.ts";
import { namespacesMissing } from "../support/networks.ts";
import { isInSet, nft } from "../support/nftables.ts";
import { toolsMissing } from "../support/tools.ts";
import { type RunOptions, runBtrt } from "../support/tracker-process.ts";

const skip = toolsMissing(["nftables", "iproute2"]) || namespacesMissing();
const SERVER = fileURLToPath(new URL("../support/gate-server.ts", import.meta.url));
const [PORT, TOKEN] = ["6970", "0123456789abcdef"];
const URL_ = `http://192.0.2.1:${PORT}`;
const HASH = "0123456789abcdef0123456789abcdef01234567";

const HOMES: readonly GateHome[] = [
  { id: 1, name: "home", members: ["203.0.113.0/24"], inside: ["203.0.113.0/24", "2001:db8:1::/48"] },
];
const LISTS: GateElements = {
  refused: [`203.0.113.10 ${HASH}`, `2001:db8:1::10 ${HASH}`],
  closed: ["203.0.113.10 6881"],
  hosts: ["203.0.113.10"],
  far: ["198.51.100.20 6881"],
};

function begin(homes = HOMES, tracker = "one"): string {
  return encodeGateEvent({ event: "begin", format: 1, version: 1, tracker, aliveSeconds: 20, homes });
}

function change(add: GateElements, remove: GateElements = {}): string {
  return [...changeEvents(2, add, remove)].map(encodeGateEvent).join("");
}

const READY = encodeGateEvent({ event: "ready", version: 1 });

/** A tracker and a router, each in a namespace, with a link between them. */
class Scene {
  readonly bed: Bed;
  readonly router: string;
  readonly events: string;
  readonly #tracker: string;
  server!: Process;

  constructor(bed: Bed) {
    this.bed = bed;
    this.events = bed.path("events");
    this.router = bed.addNamespace("router");
    this.#tracker = bed.addNamespace("tracker");
    ip(`-n ${this.router} link add uplink type veth peer name downlink netns ${this.#tracker}`);
    for (const [namespace, device, address] of [
      [this.router, "uplink", "192.0.2.2"],
      [this.#tracker, "downlink", "192.0.2.1"],
    ]) {
      ip(`-n ${namespace} addr add ${address}/24 dev ${device}`);
      ip(`-n ${namespace} link set ${device} up`);
    }
  }

  static async open(bed: Bed, events = begin() + change(LISTS) + READY): Promise<Scene> {
    const scene = new Scene(bed);
    await writeFile(scene.events, events);
    await writeFile(bed.path("token"), `${TOKEN}\n`);
    await scene.serve();
    return scene;
  }

  async serve(): Promise<void> {
    const { bed, events } = this;
    const command = [process.execPath, SERVER, "192.0.2.1", PORT, events, TOKEN];
    const server = bed.run(command, this.#tracker);
    await until("the server listens", () => server.stdout !== "" || server.end !== undefined);
    assert.equal(server.end, undefined, server.stderr);
    this.server = server;
  }

  follow(args: readonly string[] = [], options: RunOptions = {}): Process {
    const all = ["gate", "--follow", URL_, "--token-file", this.bed.path("token"), ...args];
    return runBtrt(this.bed, all, { namespace: this.router, ...options });
  }

  async say(text: string): Promise<void> {
    await appendFile(this.events, text);
  }

  /** Whether a set of the gate has an element. */
  has(set: string, element: string): boolean {
    return isInSet(this.router, `inet btrt gate_${set}`, element);
  }

  get isClosed(): boolean {
    return this.has("alive", "ip") && this.has("alive", "ip6");
  }

  async untilClosed(): Promise<void> {
    await until("the router refuses", () => this.isClosed);
  }

  /** After so many seconds everything opens by itself, unless that is renewed; undefined if it is open. */
  get secondsLeft(): number | undefined {
    const { nftables } = JSON.parse(nft(this.router, ["-j", "list", "set", "inet", "btrt", "gate_alive"]));
    const elements: { elem: { expires: number } }[] = nftables.at(-1).set.elem ?? [];
    return elements.length === 0 ? undefined : Math.max(...elements.map(({ elem }) => elem.expires));
  }

  /**
   * Waits until nothing is refused, which is no more put off than by an event that is under way. So it takes
   * {@link OPEN_SECONDS} at most, though a busy machine may see it later.
   * @returns the last seconds left that were seen.
   */
  async untilOpen(): Promise<number> {
    let left = OPEN_SECONDS;
    let renewals = 0;
    await until("everything is open", () => {
      const now = this.secondsLeft;
      if (now === undefined) return true;
      if (now > left) renewals++;
      left = now;
      return false;
    });
    assert.ok(renewals <= 1, `${renewals} times renewed`);
    return left;
  }

  /** What is loaded, without what changes by itself. */
  list(): string {
    return nft(this.router, ["list", "table", "inet", "btrt"]).replaceAll(/ expires \S+/g, "");
  }
}

/** The time in which everything opens by itself: half of `aliveSeconds`. */
const OPEN_SECONDS = 10;

/** The rules of the hash list. */
const HASH_LIST = formatRuleset({
  groups: [{ name: "g", priority: 0, prefixes: [parsePrefix("203.0.113.0/24").prefix], reachableFrom: [] }],
  tiers: 1,
  intervalSeconds: 600,
  maxEntries: 1000,
  bridge: false,
  countOnly: false,
});

test("the router gets the lists and what changes in them, reports, and is open when the follower ends", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const scene = await Scene.open(await Bed.open(t));
  const follower = scene.follow();
  await scene.untilClosed();
  const infoHash = `0x${HASH.slice(0, 32)} . 0x${HASH.slice(32)}`;
  assert.ok(scene.has("refused4", `203.0.113.10 . ${infoHash}`));
  assert.ok(scene.has("refused6", `2001:db8:1::10 . ${infoHash}`));
  assert.ok(scene.has("closed4", "203.0.113.10 . 6881"));
  assert.ok(scene.has("hosts4", "203.0.113.10"));
  assert.ok(scene.has("far4", "198.51.100.20 . 6881"));

  await scene.say(change({ hosts: ["203.0.113.11", "2001:db8:1::11"] }, { hosts: ["203.0.113.10"] }));
  await until("the change is there", () => scene.has("hosts4", "203.0.113.11"));
  assert.ok(scene.has("hosts6", "2001:db8:1::11"));
  assert.equal(scene.has("hosts4", "203.0.113.10"), false);

  const reports = async () => {
    const lines = await readFile(`${scene.events}.reports`, "utf8").catch(() => "");
    return lines.trim().split("\n").filter(Boolean);
  };
  const reported = async () => (await reports()).map((line) => gateReportSchema.parse(JSON.parse(line)));
  await until("it has reported what it has now", async () =>
    (await reported()).some(({ version, countOnly }) => version === 2 && !countOnly),
  );

  assert.equal(await follower.stop(), 0);
  assert.equal(scene.isClosed, false);
  assert.match(follower.stderr, /^btrt: the router has the tracker's lists: 5 elements\n$/);
  const remove = runBtrt(scene.bed, ["gate", "--remove"], { namespace: scene.router });
  assert.equal(await remove.ended, 0, remove.stderr);
  assert.equal(nft(scene.router, ["list", "ruleset"]), "");
});

test("everything opens when the follower is killed, and another one takes over", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const scene = await Scene.open(await Bed.open(t));
  const follower = scene.follow();
  await scene.untilClosed();
  await follower.stop("SIGKILL");
  await scene.untilOpen();
  await writeFile(scene.events, begin() + change({ hosts: ["203.0.113.12"] }) + READY);
  scene.follow();
  await scene.untilClosed();
  assert.ok(scene.has("hosts4", "203.0.113.12"));
  assert.equal(scene.has("hosts4", "203.0.113.10"), false, "what was there before is gone");
});

test("everything opens when the tracker is killed, and only what differs changes when it is back", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const scene = await Scene.open(await Bed.open(t));
  const follower = scene.follow();
  await scene.untilClosed();
  await scene.server.stop("SIGKILL");
  await scene.untilOpen();
  await until("it says so", () => /no tracker replies/.test(follower.stderr));
  assert.ok(scene.has("hosts4", "203.0.113.10"), "the lists stay");
  const exempt = ["add", "element", "inet", "btrt", "gate_exempt4", "{ 203.0.113.99 }"];
  nft(scene.router, exempt);
  const { hosts: _, ...others } = LISTS;
  await writeFile(scene.events, begin(HOMES, "two") + change({ ...others, hosts: ["203.0.113.12"] }) + READY);
  await scene.serve();
  await scene.untilClosed();
  assert.ok(scene.has("hosts4", "203.0.113.12"));
  assert.equal(scene.has("hosts4", "203.0.113.10"), false);
  assert.ok(scene.has("exempt4", "203.0.113.99"), "the rules were not loaded again");
});

test("everything opens when the link is cut, and closes when it is back", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const scene = await Scene.open(await Bed.open(t));
  scene.follow();
  await scene.untilClosed();
  ip(`-n ${scene.router} link set uplink down`);
  await scene.untilOpen();
  ip(`-n ${scene.router} link set uplink up`);
  await scene.untilClosed();
});

test("everything opens at once when the tracker sends what it must not", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const scene = await Scene.open(await Bed.open(t));
  const follower = scene.follow();
  await scene.untilClosed();
  await scene.say(`event: change\ndata: {"version":3,"add":{"hosts":["203.0.113.9 }; flush ruleset"]}}\n\n`);
  await until("it says so", () => follower.stderr.includes("event"));
  assert.match(follower.stderr, /event \d+ \(change\): add.hosts\[0\]: is not "ADDRESS"/);
  assert.ok((await scene.untilOpen()) > 2, "it did not open by itself");
  await writeFile(scene.events, begin() + change(LISTS) + READY);
  await scene.untilClosed();
});

test("the rules of the hash list and of the gate live in one table, in either order", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const scene = await Scene.open(await Bed.open(t));
  const { bed, router } = scene;
  const listed = `{ 0x${HASH.slice(0, 32)} . 0x${HASH.slice(32)} }`;
  const isListed = () => nft(router, ["list", "set", "inet", "btrt", "hashes"]).includes("expires");
  nft(router, ["-f", "-"], HASH_LIST);
  const alone = scene.list();
  nft(router, ["add", "element", "inet", "btrt", "hashes", listed]);
  const follower = scene.follow();
  await scene.untilClosed();
  assert.ok(isListed(), "the hash list stays");
  const counters = runBtrt(bed, ["nftables", "--counters"], { namespace: router });
  assert.equal(await counters.ended, 0, counters.stderr);
  assert.deepEqual(routerCounters("f").parse(counters.stdout).get("out"), { seen: 0, refused: 0 });

  nft(router, ["-f", "-"], HASH_LIST);
  await scene.untilClosed();
  nft(router, ["add", "element", "inet", "btrt", "hashes", listed]);
  assert.ok(scene.has("hosts4", "203.0.113.10"), "the gate is loaded again");

  assert.equal(await follower.stop(), 0);
  const remove = runBtrt(bed, ["gate", "--remove"], { namespace: router });
  assert.equal(await remove.ended, 0, remove.stderr);
  assert.ok(isListed());
  nft(router, ["flush", "set", "inet", "btrt", "hashes"]);
  assert.equal(scene.list(), alone, "as if the gate had never been there");
});

test("other homes are other rules", { skip, timeout: 300_000 }, async (t) => {
  const scene = await Scene.open(await Bed.open(t));
  scene.follow();
  await scene.untilClosed();
  const homes = [
    ...HOMES,
    { id: 2, name: "second", members: ["203.0.114.0/24"], inside: ["203.0.114.0/24"] },
  ];
  await scene.server.stop("SIGKILL");
  await writeFile(scene.events, begin(homes) + change(LISTS) + READY);
  await scene.serve();
  await until("the second home is there", () => scene.list().includes("jump gate_out_2"));
  await scene.untilClosed();
  assert.ok(scene.has("hosts4", "203.0.113.10"));
});

test("CAP_NET_ADMIN is all that it needs", { skip, timeout: 300_000 }, async (t) => {
  const scene = await Scene.open(await Bed.open(t));
  await chmod(scene.bed.directory, 0o755);
  const only = ["--inh-caps=-all,+net_admin", "--ambient-caps=+net_admin", "--bounding-set=-all,+net_admin"];
  const user = ["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"];
  const follower = scene.follow([], { by: ["setpriv", ...user, ...only] });
  await until("the router refuses", () => scene.isClosed || follower.end !== undefined);
  assert.equal(follower.end, undefined, follower.stderr);
});

test("what is wrong is said plainly", { skip, timeout: 300_000 }, async (t) => {
  const scene = await Scene.open(await Bed.open(t));
  const { bed, router } = scene;
  const says = async (follower: Process, message: RegExp) => {
    await until(`${message}`, () => message.test(follower.stderr) || follower.end !== undefined);
    assert.match(follower.stderr, message);
    await follower.stop();
  };
  await writeFile(bed.path("wrong"), "fedcba9876543210");
  const wrongToken = ["gate", "--follow", URL_, "--token-file", bed.path("wrong")];
  const options = { namespace: router };
  await says(runBtrt(bed, wrongToken, options), /HTTP 401: a token is needed/);
  assert.equal(nft(router, ["list", "ruleset"]), "", "nothing was loaded");
  const noFile = runBtrt(bed, ["gate", "--follow", URL_, "--token-file", "/none"], options);
  assert.equal(await noFile.ended, 1);
  assert.match(noFile.stderr, /^btrt: \/none: no such file\n$/);
  const noUrl = runBtrt(bed, ["gate", "--follow", "192.0.2.1"], options);
  assert.equal(await noUrl.ended, 1);
  assert.match(noUrl.stderr, /"192.0.2.1" is not the URL of an admin listener/);

  const hideNft = ["sh", "-c", 'mount -t tmpfs none /usr/sbin && PATH= exec "$@"', "sh"];
  await says(scene.follow([], { by: hideNft }), /nft: no such program; install nftables/);
  const powerless = ["setpriv", "--bounding-set=-net_admin"];
  await says(scene.follow([], { by: powerless }), /nft: .*this needs root, or CAP_NET_ADMIN/s);
  const busy = scene.follow();
  await scene.untilClosed();
  nft(router, ["delete", "table", "inet", "btrt"]);
  await until("the rules are back", () => nft(router, ["list", "ruleset"]).includes("gate_alive"));
  await says(busy, /nft: .*No such file or directory/s);
});
