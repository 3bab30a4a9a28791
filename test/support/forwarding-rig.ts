/** Forwarded announces without threads: an HTTP service, its tasks, and the table that it reads. */

import { allocateCounters } from "../../src/model/counters.ts";
import { parsePrefix } from "../../src/network/prefix.ts";
import { buildPrefixTable, PrefixTable } from "../../src/network/prefix-table.ts";
import { FORWARDER } from "../../src/services/forwarded-service.ts";
import { HttpService } from "../../src/services/http-service.ts";
import { Refusal } from "../../src/services/refusal.ts";
import { UpstreamTrackers } from "../../src/services/upstream-trackers.ts";
import { AskTimes, allocateAskTimes } from "../../src/tasks/ask-times.ts";
import { type ForwardTask, readForwardTask } from "../../src/tasks/forward-task.ts";
import { allocateTaskQueue, TaskReader, TaskWriter } from "../../src/tasks/task-queue.ts";
import { HostRules, MODE } from "../../src/wire/host-rules.ts";
import { FakeConnection, FakeTracker, prefixTable } from "./fake-connection.ts";

/** The query of a valid announce, with escapes in both cases. */
export const HASH = `info_hash=${"%aA".repeat(20)}`;
export const QUERY = `${HASH}&port=6881&uploaded=5&key=%2f%2F`;

/** An address that forwards for others, and one that is redirected itself. */
export const SOURCE = "192.0.2.9";
export const REDIRECTED = "198.51.100.77";

/** The time, in seconds. */
export const NOW = 1_800_000_000;

/** A request. */
export function get(target: string, ...headers: string[]): string {
  return `GET ${target} HTTP/1.1\r\n${headers.map((header) => `${header}\r\n`).join("")}\r\n`;
}

/** One service. */
export class ForwardingRig {
  readonly counters = allocateCounters();
  readonly tracker = new FakeTracker();
  readonly times: AskTimes;
  readonly service: HttpService;
  readonly #queue = allocateTaskQueue();
  readonly #reader = new TaskReader(this.#queue);

  /** @param notesIgnored whether the gate is told of torrents whose tracker is ignored. */
  constructor(notesIgnored = false) {
    const { counters, tracker } = this;
    const memory = allocateAskTimes(1024);
    this.times = new AskTimes(memory);
    const writer = new TaskWriter(this.#queue, counters);
    const upstreams = new UpstreamTrackers(memory, writer, [1, 2, 3, 4], { seconds: NOW });
    this.service = new HttpService(tracker, counters, new Refusal(counters), () => 0, { tracker, upstreams });
    const value = (text: string, kind: number) => ({ prefix: parsePrefix(text).prefix, value: kind });
    this.service.configure({
      trustedProxies: prefixTable("192.0.2.0/28"),
      ipParameter: prefixTable(),
      forwarding: {
        forwarders: new PrefixTable(
          buildPrefixTable([
            value("192.0.2.8/30", FORWARDER.source),
            value("198.51.100.0/24", FORWARDER.client),
          ]),
        ),
        hosts: new HostRules({
          ours: ["retracker.local"],
          modes: [
            ["observed.example", MODE.observe],
            ["*.ignored.example", MODE.ignore],
          ],
        }),
        timeoutMs: 3000,
        notesIgnored,
      },
    });
  }

  /** A connection that may wait. */
  connect(remote = SOURCE): FakeConnection {
    const connection = new FakeConnection(this.service, remote);
    connection.mayDefer = true;
    return connection;
  }

  /** What the control plane is to do, with the bytes of each task and the token of who waits for it. */
  tasks(): (ForwardTask & { token: number; bytes: Uint8Array<ArrayBuffer> })[] {
    const all: (ForwardTask & { token: number; bytes: Uint8Array<ArrayBuffer> })[] = [];
    this.#reader.drain((_, token, bytes) => all.push({ token, bytes, ...readForwardTask(bytes) }), 100);
    return all;
  }

  /** The kinds of the tasks since the last call, and their bytes in hexadecimal. */
  taskBytes(): (readonly [kind: number, bytes: string])[] {
    const all: (readonly [number, string])[] = [];
    this.#reader.drain((kind, _, bytes) => all.push([kind, Buffer.from(bytes).toString("hex")]), 100);
    return all;
  }

  /** What comes of one request: the task, and whom the tracker has seen. */
  forward(text: string, remote?: string) {
    const connection = this.connect(remote);
    connection.receive(text);
    const [task] = this.tasks();
    return {
      connection,
      url: task && `${task.scheme}://${task.authority}${task.path}`,
      task,
      client: /address=(\S+)/.exec(this.tracker.seen.at(-1) ?? "")?.[1],
    };
  }
}
