/** An engine under test, with toy services and clients. It is stopped after the test. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import {
  type Engine,
  type EngineCounters,
  type EngineLimits,
  type ListenAddress,
  REPLY_BYTES,
  type Services,
} from "../engine.ts";
import { TestClient } from "./test-client.ts";
import { TestDatagramClient } from "./test-datagram-client.ts";
import { ToyDatagramService } from "./toy-datagram-service.ts";
import { ToyService } from "./toy-service.ts";
import { Watched } from "./watched.ts";

/** Makes the engine under test. */
export type MakeEngine = (services: Services, limits: EngineLimits, counters: EngineCounters) => Engine;

/** Counts what an engine reports. */
export class TestCounters extends Watched implements EngineCounters {
  accepted = 0;
  refused = 0;
  overShare = 0;
  displaced = 0;
  acceptFailures = 0;
  timedOut = 0;
  closed = 0;
  dropped = 0;

  connectionAccepted(): void {
    this.accepted++;
    this.changed();
  }
  connectionRefused(): void {
    this.refused++;
    this.changed();
  }
  connectionOverShare(): void {
    this.overShare++;
    this.changed();
  }
  connectionDisplaced(): void {
    this.displaced++;
    this.changed();
  }
  acceptFailed(): void {
    this.acceptFailures++;
    this.changed();
  }
  connectionTimedOut(): void {
    this.timedOut++;
    this.changed();
  }
  connectionClosed(): void {
    this.closed++;
    this.changed();
  }
  datagramDropped(): void {
    this.dropped++;
    this.changed();
  }
}

/** Options of a rig. The defaults are so large that nothing times out or is refused. */
export interface RigOptions extends Partial<EngineLimits> {
  /** For TCP. Default: a free port of 127.0.0.1. */
  readonly addresses?: readonly ListenAddress[];
  /** For UDP. Default: none. */
  readonly datagrams?: readonly ListenAddress[];
  readonly shared?: boolean;
}

const SETTLING_ROUNDS = 3;

const LOOPBACK: ListenAddress = { host: "127.0.0.1", port: 0 };

/** A listening engine with its services, counters and clients. */
export class Rig {
  readonly engine: Engine;
  readonly service = new ToyService();
  readonly datagramService = new ToyDatagramService();
  readonly counters = new TestCounters();
  /** The bound addresses for TCP and for UDP, in the order of the request. */
  addresses: readonly ListenAddress[] = [];
  datagrams: readonly ListenAddress[] = [];
  readonly #clients: (TestClient | TestDatagramClient)[] = [];
  #bystander: TestClient | undefined;
  /** Requests that {@link settle} made. */
  settlingRequests = 0;

  /** Starts an engine for the test `t`. */
  static async start(t: TestContext, makeEngine: MakeEngine, options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(makeEngine, options);
    t.after(() => rig.#end());
    const wanted = { streams: options.addresses ?? [LOOPBACK], datagrams: options.datagrams ?? [] };
    const { streams, datagrams } = await rig.engine.listen(wanted, options.shared ?? false);
    rig.addresses = streams;
    rig.datagrams = datagrams;
    return rig;
  }

  private constructor(makeEngine: MakeEngine, options: RigOptions) {
    const limits = {
      maxConnections: options.maxConnections ?? 100_000,
      maxPerAddress: options.maxPerAddress ?? 100_000,
      idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
      requestTimeoutMs: options.requestTimeoutMs ?? 60_000,
      maxDeferred: options.maxDeferred ?? 100_000,
    };
    const services = { stream: this.service, datagram: this.datagramService };
    this.engine = makeEngine(services, limits, this.counters);
  }

  /** Connects a client. Default: to the first address. */
  async connect(address: ListenAddress = this.addresses[0], localAddress?: string): Promise<TestClient> {
    const client = await TestClient.connect(address, localAddress);
    this.#clients.push(client);
    return client;
  }

  /** Opens a UDP client. Default: for the first address. */
  async openDatagrams(address = this.datagrams[0], localAddress?: string): Promise<TestDatagramClient> {
    const client = await TestDatagramClient.open(address, localAddress);
    this.#clients.push(client);
    return client;
  }

  /** Asserts that the engine still serves. */
  async assertServes(): Promise<void> {
    const client = await this.connect();
    assert.equal(await client.ask("say alive"), "alive");
    client.close();
  }

  /** Waits until the engine has handled everything so far, which replies to another client show. */
  async settle(): Promise<void> {
    this.#bystander ??= await this.connect();
    for (let i = 0; i < SETTLING_ROUNDS; i++) {
      await this.#bystander.ask("say hello");
      this.settlingRequests++;
    }
  }

  /** Waits until the engine serves nothing but the requests of {@link settle}. */
  async quiet(): Promise<void> {
    let calls = Number.NEGATIVE_INFINITY;
    while (this.service.calls > calls + SETTLING_ROUNDS) {
      calls = this.service.calls;
      await this.settle();
    }
  }

  /**
   * Requests replies of {@link REPLY_BYTES} (`bytes N 1`), which the client does not read, until the engine stops
   * serving them or `most` were served.
   * @returns how many were served. If fewer than `most`, one more request is pending.
   */
  async fill(client: TestClient, most = Number.POSITIVE_INFINITY): Promise<number> {
    for (let replies = 0; replies < most; replies++) {
      const before = this.service.calls;
      client.send(`bytes ${REPLY_BYTES} 1\n`);
      await this.settle();
      if (this.service.calls === before + SETTLING_ROUNDS) return replies;
    }
    return most;
  }

  async #end(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.engine.stop(0);
    assert.deepEqual([...this.service.violations, ...this.datagramService.violations], []);
    assert.equal(this.counters.closed, this.counters.accepted, "every accepted connection has been closed");
  }
}
