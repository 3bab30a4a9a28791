/** Measures the cost of responses for a server, in several alternating jobs. */
import type { Job, Outcome } from "./load/job.ts";
import type { Load } from "./load/load.ts";
import { machineSeconds } from "./processor-time.ts";
import { showProgress } from "./progress.ts";
import type { Server } from "./servers/server.ts";

/** The number of cores that other processes may use, and how often a disturbed sample is repeated. */
const UNDISTURBED = 0.05;
const ATTEMPTS = 3;

/** Rounds that warm up: in the first one V8 still compiles, and a response takes up to twice as long as in the third. */
const WARM_UPS = 3;

/** One of the servers that are compared. */
export interface Contender {
  readonly name: string;
  readonly server: Server;
  readonly job: Omit<Job, "port" | "seconds">;
}

/** One measurement. */
export interface Sample extends Outcome {
  /** Processor time of the whole server, user and system, per response. */
  readonly cpuMicroseconds: number;
  /** The part of it in user mode. */
  readonly userShare: number;
  /** Cores that the server used, on average. */
  readonly busy: number;
  /** Cores used by other processes than server and load generator. */
  readonly disturbed: number;
}

/**
 * Measures contenders in turn, round by round, so that a disturbance of the machine affects all of them.
 * Rounds before them warm them up.
 * @returns for each contender a sample per round.
 */
export async function measureInTurn(
  load: Load,
  contenders: readonly Contender[],
  rounds: number,
  seconds: number,
): Promise<Sample[][]> {
  const samples: Sample[][] = contenders.map(() => []);
  for (let round = 1 - WARM_UPS; round <= rounds; round++) {
    showProgress(round <= 0 ? "a round to warm up" : `round ${round} of ${rounds}`);
    for (const [i, { server, job }] of contenders.entries()) {
      const sample = await measure(load, server, { ...job, seconds });
      if (round > 0) samples[i].push(sample);
    }
  }
  return samples;
}

/** @returns the processor time per response of each sample. */
export function cpuOf(samples: readonly Sample[]): number[] {
  return samples.map(({ cpuMicroseconds }) => cpuMicroseconds);
}

/** Repeats the measurement, within a few attempts, until no other process disturbs it. */
async function measure(load: Load, server: Server, job: Omit<Job, "port">): Promise<Sample> {
  let least: Sample | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const sample = await measureOnce(load, server, job);
    if (least === undefined || sample.disturbed < least.disturbed) least = sample;
    if (least.disturbed <= UNDISTURBED) break;
  }
  if (least === undefined) throw new Error("not measured");
  return least;
}

/** Measures once, with or without disturbance. */
export async function measureOnce(load: Load, server: Server, job: Omit<Job, "port">): Promise<Sample> {
  const before = server.processorTime();
  const others = otherSeconds(load, server);
  const outcome = await load.perform(server, job);
  const after = server.processorTime();
  const cpuSeconds = after.all - before.all;
  return {
    ...outcome,
    cpuMicroseconds: (cpuSeconds / outcome.responses) * 1e6,
    userShare: (after.user - before.user) / cpuSeconds,
    busy: cpuSeconds / outcome.seconds,
    disturbed: (otherSeconds(load, server) - others) / outcome.seconds,
  };
}

/** Processor time of all processes that are not measured. */
function otherSeconds(load: Load, server: Server): number {
  return machineSeconds() - server.processorTime().all - load.processorTime().all;
}
