/** The data plane leaves no garbage behind: what a million announces do to the heap of its thread. */
import assert from "node:assert/strict";
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { EngineKind } from "../src/engine/choice.ts";
import type { ListenAddresses } from "../src/engine/engine.ts";
import { probeUring } from "../src/engine/uring/probe.ts";
import { allocateResources } from "../src/engine/uring/resources.ts";
import { allocateCounters, COUNTER } from "../src/model/counters.ts";
import { allocateAskTimes } from "../src/tracker/ask-times.ts";
import { allocateCensus } from "../src/tracker/census.ts";
import { allocateErrandQueue } from "../src/tracker/errand-queue.ts";
import { allocateActivity } from "../src/tracker/group-activity.ts";
import { allocateSwarmStore } from "../src/tracker/store-memory.ts";
import type { WorkerOptions } from "../src/worker.ts";
import { makePolicy } from "./support/policy.ts";

const SCRIPT = new URL("./observed-worker.ts", import.meta.url);
const LOOPBACK = [{ host: "127.0.0.1", port: 0 }];
const CONNECTIONS = 16;
const PIPELINED = 24;
const SWARMS = 1000;

/** As the data plane sets it: so the heap can't hide much that is not collected. */
const YOUNG_GENERATION_MB = 2;
const YOUNG_GENERATION_BYTES = YOUNG_GENERATION_MB * 2 ** 20;

/** What a number takes that V8 puts on the heap. */
const HEAP_NUMBER_BYTES = 16;

const MILLION = 1_000_000;
/** Until everything is compiled. */
const WARM_UP = 300_000;
/** Fewer, as sending them takes longer. */
const UDP_ANNOUNCES = 200_000;

const withoutUring = await probeUring();

describe("the heap with the uring engine", { skip: withoutUring ?? false }, () => {
  const start = (t: TestContext) => Plane.start(t, "uring");
  test("a million announces over HTTP leave nothing", { timeout: 300_000 }, async (t) => {
    const { plane, streams } = await start(t);
    const load = await HttpLoad.open(t, plane, streams[0].port);
    await load.announce(WARM_UP);
    await plane.assertNothingLeft(() => load.announce(MILLION), MILLION);
  });

  test("nor do announces over UDP", { timeout: 300_000 }, async (t) => {
    const { plane, datagrams } = await start(t);
    const load = await UdpLoad.open(t, datagrams[0].port);
    await load.announce(WARM_UP);
    await plane.assertNothingLeft(() => load.announce(UDP_ANNOUNCES), UDP_ANNOUNCES);
  });

  // A turn of the event loop leaves something, and connections may come one in each.
  test("connections leave nothing that is not collected", { timeout: 300_000 }, async (t) => {
    const { plane, streams } = await start(t);
    const announce = (count: number) => connectFor(streams[0].port, count);
    await announce(5000);
    await plane.assertCollected(() => announce(20_000));
  });
});

describe("the heap with the node engine", () => {
  test("a million announces over HTTP leave nothing that is not collected", {
    timeout: 300_000,
  }, async (t) => {
    const { plane, streams } = await Plane.start(t, "node");
    const load = await HttpLoad.open(t, plane, streams[0].port);
    await load.announce(WARM_UP);
    await plane.assertCollected(() => load.announce(MILLION));
  });
});

/** A data-plane thread, and what is known of its heap. */
class Plane {
  readonly counters = allocateCounters();
  readonly #collections = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;

  private constructor(engine: EngineKind) {
    const limits = {
      maxConnections: 100,
      maxPerAddress: 100,
      idleTimeoutMs: 60_000,
      requestTimeoutMs: 10_000,
      maxDeferred: 10,
    };
    const options: WorkerOptions & { readonly collections: Int32Array } = {
      store: allocateSwarmStore(100_000, 16, [1, 2]),
      errands: allocateErrandQueue(),
      askTimes: allocateAskTimes(),
      activity: allocateActivity(),
      census: allocateCensus(),
      worker: 0,
      workers: 1,
      policy: makePolicy("127.0.0.0/8"),
      listen: { streams: LOOPBACK, datagrams: LOOPBACK },
      engine,
      resources: allocateResources(2, limits.maxConnections),
      limits,
      counters: this.counters,
      seed: [1, 2, 3, 4],
      connectionSecret: [1, 2, 3, 4, 5, 6, 7, 8],
      askSecret: [1, 2, 3, 4],
      clockBaseMs: 1_800_000_000_000,
      collections: this.#collections,
    };
    this.#worker = new Worker(SCRIPT, {
      workerData: options,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
  }

  static async start(t: TestContext, engine: EngineKind): Promise<ListenAddresses & { plane: Plane }> {
    const plane = new Plane(engine);
    t.after(() => plane.#worker.terminate());
    const [event] = await once(plane.#worker, "message");
    assert.equal(event.type, "listening");
    return { plane, ...event.addresses };
  }

  /** Checks that `count` announces did not put so much as a number each on the heap, collected or not. */
  async assertNothingLeft(work: () => Promise<void>, count: number): Promise<void> {
    const { grown, collections } = await this.#observe(work);
    const most = Math.max(grown, 0) + collections * YOUNG_GENERATION_BYTES;
    assert.ok(most < HEAP_NUMBER_BYTES * count, `${grown} bytes more, ${collections} collections`);
  }

  /** Checks that the heap is not larger afterwards than garbage that waits for its collection can make it. */
  async assertCollected(work: () => Promise<void>): Promise<void> {
    const { grown } = await this.#observe(work);
    assert.ok(grown <= 2 * YOUNG_GENERATION_BYTES, `${grown} bytes more`);
  }

  async #observe(work: () => Promise<void>): Promise<{ grown: number; collections: number }> {
    const collections = this.#collections[0];
    const { used_heap_size } = await this.#worker.getHeapStatistics();
    await work();
    const after = await this.#worker.getHeapStatistics();
    const result = {
      grown: after.used_heap_size - used_heap_size,
      collections: this.#collections[0] - collections,
    };
    return result;
  }
}

/** Different announces, one after the other, of different lengths. */
function makeRequests(count: number): Buffer {
  const requests = Array.from({ length: count }, (_, i) => {
    const hash = String(i % SWARMS).padStart(20, "x");
    const client = `&peer_id=${String(i).padStart(20, "y")}&key=${i}&downloaded=${2000 * i}&uploaded=${3000 * i}`;
    const query = `info_hash=${hash}&port=${1000 + i}&left=${1000 * i}&numwant=50${client}`;
    return `GET /announce?${query} HTTP/1.1\r\nHost: a\r\n\r\n`;
  });
  return Buffer.from(requests.join(""));
}

/** Connections that are kept, with many requests at once. */
class HttpLoad {
  readonly #plane: Plane;
  readonly #sockets: readonly Socket[];
  readonly #requests = makeRequests(PIPELINED);

  static async open(t: TestContext, plane: Plane, port: number): Promise<HttpLoad> {
    const sockets = Array.from({ length: CONNECTIONS }, () => connect(port, "127.0.0.1").resume());
    // The thread is ended before them.
    for (const socket of sockets) t.after(() => socket.on("error", () => {}).destroy());
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    return new HttpLoad(plane, sockets);
  }

  private constructor(plane: Plane, sockets: readonly Socket[]) {
    this.#plane = plane;
    this.#sockets = sockets;
  }

  /** Announces on all connections at once, again and again when all is answered: so that no request is split. */
  async announce(count: number): Promise<void> {
    const { counters } = this.#plane;
    const start = counters[COUNTER.announces];
    for (let sent = CONNECTIONS * PIPELINED; sent <= count; sent += CONNECTIONS * PIPELINED) {
      for (const socket of this.#sockets) socket.write(this.#requests);
      while (counters[COUNTER.announces] < start + sent) await nextTurn();
    }
  }
}

/** A sender of datagrams with few of them under way. */
class UdpLoad {
  readonly #socket: DatagramSocket;
  readonly #port: number;
  readonly #announce = Buffer.alloc(98);

  static async open(t: TestContext, port: number): Promise<UdpLoad> {
    const socket = createSocket("udp4");
    t.after(() => socket.close());
    const load = new UdpLoad(socket, port);
    load.#send(Buffer.from("0000041727101980000000007472616e", "hex"));
    const [reply] = await once(socket, "message");
    load.#announce.set(reply.subarray(8, 16));
    load.#announce.writeUInt32BE(1, 8);
    load.#announce.writeInt32BE(-1, 92);
    return load;
  }

  private constructor(socket: DatagramSocket, port: number) {
    this.#socket = socket;
    this.#port = port;
  }

  /** Announces so many peers; what is lost is made up for. */
  async announce(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let answered = 0;
    const next = () => {
      this.#announce.writeUInt16BE(1000 + (answered % SWARMS), 96);
      this.#announce.writeUInt32BE(answered % SWARMS, 16);
      this.#announce.writeUInt32BE(answered, 36);
      this.#announce.writeUInt32BE(answered * 4096, 60);
      this.#send(this.#announce);
    };
    const onMessage = () => (++answered < count ? next() : resolve());
    this.#socket.on("message", onMessage);
    for (let i = 0; i < PIPELINED; i++) next();
    await promise;
    this.#socket.off("message", onMessage);
  }

  #send(datagram: Buffer): void {
    this.#socket.send(datagram, this.#port, "127.0.0.1");
  }
}

/** Announces over a connection each, so many. */
async function connectFor(port: number, count: number): Promise<void> {
  const request = makeRequests(1).toString().replace("Host", "Connection: close\r\nHost");
  let left = count;
  const announce = async (): Promise<void> => {
    const socket = connect(port, "127.0.0.1").resume();
    socket.write(request);
    await once(socket, "close");
  };
  const announceOn = async (): Promise<void> => {
    while (left-- > 0) await announce();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, announceOn));
}
