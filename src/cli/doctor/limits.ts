/** Checks that the limits of process and kernel suffice for the configuration. */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { otherDescriptors } from "../../config/descriptors.ts";
import type { Config } from "../../config/schema.ts";
import { workerCount } from "../../config/worker-count.ts";
import { memoryBound, shardsFor } from "../../store/store-memory.ts";
import { type Finding, ok, type Subject, unknown, warning } from "./finding.ts";

const MEBIBYTE = 1024 * 1024;

/** Upper bound of locked memory for a worker's rings (docs/engines.md). */
const RING_BYTES = 1.2 * MEBIBYTE;

/** Listen backlog that the engines request. */
const BACKLOG = 4096;

/** How long a closed connection stays in the connection tracking table (nf_conntrack_tcp_timeout_time_wait). */
const TRACKED_SECONDS = 120;

/** Share of the memory for swarms; the rest is for the process and the machine. */
const MEMORY_SHARE = 0.8;

/** Reads a file of /proc; undefined if it does not exist or is not readable. */
export type ReadSystem = (path: string) => string | undefined;

/** Checks the running tracker's limits, or those of this shell. */
export async function checkLimits({ loaded, running }: Subject): Promise<Finding[]> {
  const memory = process.constrainedMemory() || totalmem();
  return judgeLimits(loaded.config, readSystem, running?.pid, Math.min(memory, totalmem()));
}

/**
 * @param pid of the running tracker, if there is one.
 * @param memoryBytes limit of this process.
 */
export function judgeLimits(
  config: Config,
  read: ReadSystem,
  pid: number | undefined,
  memoryBytes: number,
): Finding[] {
  const limits = read(`/proc/${pid ?? "self"}/limits`);
  const whose = pid === undefined ? "of this shell; the service has its own" : "of the running tracker";
  const ofProcess =
    limits === undefined
      ? [
          unknown(
            `limits of ${pid === undefined ? "this process" : `process ${pid}`}: not readable by this user`,
          ),
        ]
      : [judgeFiles(config, limits, whose), ...judgeLockedMemory(config, limits, whose)];
  return [
    ...ofProcess,
    ...judgeBacklog(read),
    ...judgeConntrack(config, read),
    judgeMemory(config, memoryBytes),
  ];
}

/** The hard limit counts, as Node raises the soft limit to it. */
function judgeFiles(config: Config, limits: string, whose: string): Finding {
  const most = hardLimit(limits, "Max open files");
  const needed = config.listen.max_connections + otherDescriptors(config);
  const text = `open files: ${show(most)} (${whose}); ${show(needed)} for listen.max_connections`;
  return most >= needed
    ? ok(text)
    : warning(text, `LimitNOFILE=${needed} in the unit, or ulimit -Hn ${needed}`);
}

function judgeLockedMemory(config: Config, limits: string, whose: string): Finding[] {
  if (config.engine === "node") return [];
  const most = hardLimit(limits, "Max locked memory");
  const needed = Math.ceil(RING_BYTES * workerCount(config));
  const text = `locked memory: ${show(most)} bytes (${whose}); ${show(needed)} for io_uring`;
  return [most >= needed ? ok(text) : warning(text, `LimitMEMLOCK=${needed} in the unit, or ulimit -l`)];
}

function judgeBacklog(read: ReadSystem): Finding[] {
  const most = readNumber(read, "/proc/sys/net/core/somaxconn");
  if (most === undefined) return [];
  const text = `connections waiting to be accepted: net.core.somaxconn is ${show(most)}`;
  return [most >= BACKLOG ? ok(text) : warning(text, `sysctl -w net.core.somaxconn=${BACKLOG}`)];
}

/** Returns nothing if connection tracking is not in use. */
function judgeConntrack({ tracker }: Config, read: ReadSystem): Finding[] {
  const most = readNumber(read, "/proc/sys/net/netfilter/nf_conntrack_max");
  if (most === undefined) return [];
  const used = readNumber(read, "/proc/sys/net/netfilter/nf_conntrack_count") ?? 0;
  const needed = Math.ceil((tracker.max_peers / tracker.interval) * TRACKED_SECONDS);
  const text = `connection tracking: ${show(used)} of ${show(most)} entries; ${show(needed)} for tracker.max_peers`;
  const good = most >= needed && used < most * MEMORY_SHARE;
  const remedy = `sysctl -w net.netfilter.nf_conntrack_max=${needed}, or no tracking of the tracker's ports (docs/tuning.md)`;
  return [good ? ok(text) : warning(text, remedy)];
}

function judgeMemory(config: Config, memoryBytes: number): Finding {
  const bound = memoryBound(config.tracker.max_peers, shardsFor(workerCount(config)), config.gate.enabled);
  const mebibytes = (bytes: number) => `${show(Math.ceil(bytes / MEBIBYTE))} MiB`;
  const text = `memory: ${mebibytes(memoryBytes)}; swarms take at most ${mebibytes(bound)}`;
  return bound <= memoryBytes * MEMORY_SHARE
    ? ok(text)
    : warning(text, "reduce tracker.max_peers, or add memory");
}

/** Parses a line such as `Max open files  1024  524288  files`: the third column is the hard limit. */
function hardLimit(limits: string, name: string): number {
  const [, hard] = new RegExp(`^${name} +\\S+ +(\\S+)`, "m").exec(limits) ?? [];
  return hard === "unlimited" ? Number.POSITIVE_INFINITY : Number(hard);
}

function readNumber(read: ReadSystem, path: string): number | undefined {
  const text = read(path);
  return text === undefined ? undefined : Number(text);
}

function show(value: number): string {
  return value === Number.POSITIVE_INFINITY ? "unlimited" : value.toLocaleString("en");
}

function readSystem(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
