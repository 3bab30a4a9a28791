/** Measures what responses cost a server, several jobs in turn. */
import type { Job, Outcome } from "./load/job.ts";
import type { Load } from "./load/load.ts";
import { showProgress } from "./progress.ts";
import type { Server } from "./servers/server.ts";

/** One of the things that are compared. */
export interface Contender {
  readonly name: string;
  readonly server: Server;
  readonly job: Omit<Job, "port" | "seconds">;
}

/** One measurement. */
export interface Sample extends Outcome {
  /** Processor time of the whole server, user and system, per response. */
  readonly cpuMicroseconds: number;
  /** The part of the time for which the server had its core. */
  readonly busy: number;
}

/**
 * Measures contenders in turn, round by round, so that what disturbs the machine for a while disturbs all of them.
 * A round before the first warms them up.
 * @returns for each contender a sample per round.
 */
export async function measureInTurn(
  load: Load,
  contenders: readonly Contender[],
  rounds: number,
  seconds: number,
): Promise<Sample[][]> {
  const samples: Sample[][] = contenders.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    showProgress(round === 0 ? "a round to warm up" : `round ${round} of ${rounds}`);
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

async function measure(load: Load, server: Server, job: Omit<Job, "port">): Promise<Sample> {
  const before = server.cpuSeconds();
  const outcome = await load.perform(server, job);
  const cpuSeconds = server.cpuSeconds() - before;
  return {
    ...outcome,
    cpuMicroseconds: (cpuSeconds / outcome.responses) * 1e6,
    busy: cpuSeconds / outcome.seconds,
  };
}
