/** The data plane leaves no garbage: a million announces do not grow the heap of its thread. */
import assert from "node:assert/strict";
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageChannel, Worker } from "node:worker_threads";
import type { WorkerOptions } from "../src/data-plane/protocol.ts";
import type { EngineKind } from "../src/engine/choice.ts";
import type { ListenAddresses } from "../src/engine/engine.ts";
import { probeUring } from "../src/engine/uring/probe.ts";
import { allocateResources } from "../src/engine/uring/resources.ts";
import { allocateCounters, COUNTER } from "../src/model/counters.ts";
import { allocateDemand, allocatePaceCounts } from "../src/selection/pace-trial.ts";
import { allocateActivity } from "../src/store/group-activity.ts";
import { CONTROL_PLANE } from "../src/store/shard-lock.ts";
import { allocateSwarmStore } from "../src/store/store-memory.ts";
import { SwarmStore } from "../src/store/swarm-store.ts";
import { allocateAskTimes } from "../src/tasks/ask-times.ts";
import { allocateTaskQueue } from "../src/tasks/task-queue.ts";
import { allocateCensus } from "../src/tracker/census.ts";
import type { Observation } from "./observed-worker.ts";
import { makePolicy } from "./support/policy.ts";

const SCRIPT = new URL("./observed-worker.ts", import.meta.url);
const LOOPBACK = [{ host: "127.0.0.1", port: 0 }];
const CONNECTIONS = 16;
const PIPELINED = 24;
const SWARMS = 1000;

/** The same size as in the data plane, so that the heap cannot hide much garbage. */
const YOUNG_GENERATION_MB = 2;
const YOUNG_GENERATION_BYTES = YOUNG_GENERATION_MB * 2 ** 20;

/** The size of a number on V8's heap. */
const HEAP_NUMBER_BYTES = 16;

const MILLION = 1_000_000;
/** Measurements until one shows that nothing is left. */
const ATTEMPTS = 3;
/** Announces until everything is compiled. */
const WARM_UP = 300_000;
/** Fewer, because sending them takes longer. */
const UDP_ANNOUNCES = 400_000;
/** As many as certainly fit the receive buffer of a socket. */
const UDP_BURST = 192;
/** The info-hash that a burst starts with: the worker waits for its shard. */
const FIRST_OF_BURST = new Uint32Array(5);

const withoutUring = await probeUring();

describe("the heap with the uring engine", { skip: withoutUring ?? false }, () => {
  const start = (t: TestContext) => Plane.start(t, "uring");
  test("a million announces over HTTP leave nothing", { timeout: 900_000 }, async (t) => {
    const { plane, streams } = await start(t);
    const load = await HttpLoad.open(t, plane, streams[0].port);
    await load.announce(WARM_UP);
    await plane.assertNothingLeft(() => load.announce(MILLION), MILLION);
  });

  test("nor do announces over UDP", { timeout: 900_000 }, async (t) => {
    const { plane, datagrams } = await start(t);
    const load = await UdpLoad.open(t, plane, datagrams[0].port);
    await load.announce(WARM_UP);
    await plane.assertNothingLeft(() => load.announce(UDP_ANNOUNCES), UDP_ANNOUNCES);
  });

  // Each turn of the event loop leaves something, and each connection may arrive in its own turn.
  test("connections leave nothing that is not collected", { timeout: 900_000 }, async (t) => {
    const { plane, streams } = await start(t);
    const announce = (count: number) => connectFor(streams[0].port, count);
    await announce(5000);
    await plane.assertCollected(() => announce(20_000));
  });
});

describe("the heap with the node engine", () => {
  test("a million announces over HTTP leave nothing that is not collected", {
    timeout: 900_000,
  }, async (t) => {
    const { plane, streams } = await Plane.start(t, "node");
    const load = await HttpLoad.open(t, plane, streams[0].port);
    await load.announce(WARM_UP);
    await plane.assertCollected(() => load.announce(MILLION));
  });
});

/** A worker, and the measurements of its heap. */
class Plane {
  readonly counters = allocateCounters();
  readonly store = allocateSwarmStore(100_000, 16, [1, 2]);
  readonly #collections = new Int32Array(new SharedArrayBuffer(4));
  readonly #collector = new MessageChannel();
  readonly #worker: Worker;

  private constructor(engine: EngineKind) {
    const limits = {
      maxConnections: 100,
      maxPerAddress: 100,
      idleTimeoutMs: 60_000,
      requestTimeoutMs: 10_000,
      maxDeferred: 10,
    };
    const options: WorkerOptions & Observation = {
      store: this.store,
      tasks: allocateTaskQueue(),
      askTimes: allocateAskTimes(),
      activity: allocateActivity(),
      census: allocateCensus(),
      paceTrial: { counts: allocatePaceCounts(), demand: allocateDemand() },
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
      collector: this.#collector.port2,
    };
    this.#worker = new Worker(SCRIPT, {
      workerData: options,
      transferList: [this.#collector.port2],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
  }

  static async start(t: TestContext, engine: EngineKind): Promise<ListenAddresses & { plane: Plane }> {
    const plane = new Plane(engine);
    t.after(() => {
      plane.#collector.port1.close();
      return plane.#worker.terminate();
    });
    const [event] = await once(plane.#worker, "message");
    assert.equal(event.type, "listening");
    return { plane, ...event.addresses };
  }

  /**
   * Checks that `count` announces allocated less than one number each on the heap, collected or not. Turns of the event
   * loop allocate as well. On a busy machine there are more of them, so that it may need several attempts.
   */
  async assertNothingLeft(work: () => Promise<void>, count: number): Promise<void> {
    const attempts: string[] = [];
    for (let most = Number.POSITIVE_INFINITY; most >= HEAP_NUMBER_BYTES * count; ) {
      assert.ok(attempts.length < ATTEMPTS, attempts.join("; "));
      const { grown, collections } = await this.#observe(work);
      most = Math.max(grown, 0) + collections * YOUNG_GENERATION_BYTES;
      attempts.push(`${grown} bytes more, ${collections} collections`);
    }
  }

  /**
   * Checks that the heap does not grow, measured after all garbage is collected. The moments of V8's own collections
   * depend on the amount of waiting work, and so on the load of the machine.
   */
  async assertCollected(work: () => Promise<void>): Promise<void> {
    await this.#collect();
    const { used_heap_size } = await this.#worker.getHeapStatistics();
    await work();
    await this.#collect();
    const grown = (await this.#worker.getHeapStatistics()).used_heap_size - used_heap_size;

    assert.ok(grown <= YOUNG_GENERATION_BYTES, `${grown} bytes more`);
  }

  async #collect(): Promise<void> {
    const { port1 } = this.#collector;
    port1.postMessage("collect");
    await once(port1, "message");
  }

  async #observe(work: () => Promise<void>): Promise<{ grown: number; collections: number }> {
    await this.#collect();
    const collections = this.#collections[0];
    const { used_heap_size } = await this.#worker.getHeapStatistics();
    await work();
    const after = await this.#worker.getHeapStatistics();
    return {
      grown: after.used_heap_size - used_heap_size,
      collections: this.#collections[0] - collections,
    };
  }
}

/** Different announces of different lengths, one after the other. */
function makeRequests(count: number): Buffer {
  const requests = Array.from({ length: count }, (_, i) => {
    const hash = String(i % SWARMS).padStart(20, "x");
    const client = `&peer_id=${String(i).padStart(20, "y")}&key=${i}&downloaded=${2000 * i}&uploaded=${3000 * i}`;
    const query = `info_hash=${hash}&port=${1000 + i}&left=${1000 * i}&numwant=50${client}`;
    return `GET /announce?${query} HTTP/1.1\r\nHost: a\r\n\r\n`;
  });
  return Buffer.from(requests.join(""));
}

/** Kept connections, with many requests at once. */
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

  /** Announces on all connections at once, and repeats that when all are answered. So no request is split. */
  async announce(count: number): Promise<void> {
    const { counters } = this.#plane;
    const start = counters[COUNTER.announces];
    for (let sent = CONNECTIONS * PIPELINED; sent <= count; sent += CONNECTIONS * PIPELINED) {
      for (const socket of this.#sockets) socket.write(this.#requests);
      while (counters[COUNTER.announces] < start + sent) await nextTurn();
    }
  }
}

/**
 * Sends datagrams in bursts. The worker waits for a shard's lock meanwhile, so that it receives as many at once as it
 * can. Otherwise the load of the machine decides how many turns of the event loop it needs, and each turn leaves
 * something.
 */
class UdpLoad {
  readonly #socket: DatagramSocket;
  readonly #port: number;
  readonly #plane: Plane;
  readonly #store: SwarmStore;
  readonly #announce = Buffer.alloc(98);

  static async open(t: TestContext, plane: Plane, port: number): Promise<UdpLoad> {
    const socket = createSocket("udp4");
    t.after(() => socket.close());
    const load = new UdpLoad(plane, socket, port);
    const replied = once(socket, "message");
    await load.#send(Buffer.from("0000041727101980000000007472616e", "hex"));
    const [reply] = await replied;
    load.#announce.set(reply.subarray(8, 16));
    load.#announce.writeUInt32BE(1, 8);
    load.#announce.writeInt32BE(-1, 92);
    return load;
  }

  private constructor(plane: Plane, socket: DatagramSocket, port: number) {
    this.#plane = plane;
    this.#socket = socket;
    this.#port = port;
    this.#store = new SwarmStore(plane.store, CONTROL_PLANE);
  }

  /** Announces `count` peers, or a few more. */
  async announce(count: number): Promise<void> {
    const { counters } = this.#plane;
    for (let sent = 0; sent < count; sent += UDP_BURST) {
      const start = counters[COUNTER.announces];
      const shard = this.#store.enter(FIRST_OF_BURST);
      await Promise.all(Array.from({ length: UDP_BURST }, (_, i) => this.#sendAnnounce(i)));
      this.#store.leave(shard);
      while (counters[COUNTER.announces] < start + UDP_BURST) await nextTurn();
    }
  }

  #sendAnnounce(number: number): Promise<void> {
    const datagram = Buffer.from(this.#announce);
    datagram.writeUInt16BE(1000 + number, 96);
    datagram.writeUInt32BE(number, 16);
    return this.#send(datagram);
  }

  #send(datagram: Buffer): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#socket.send(datagram, this.#port, "127.0.0.1", (error) => (error ? reject(error) : resolve())),
    );
  }
}

/** Announces over `count` connections, one announce each. */
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
