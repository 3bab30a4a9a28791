/**
 * The process that sends announces: takes one job at a time from its parent and answers with what came of it.
 * Started by load/load.ts; of no use by itself.
 */
import { ClientConnection } from "./load/client-connection.ts";
import type { Answer, Job, Outcome } from "./load/job.ts";
import { type Supply, supplyRequests } from "./load/requests.ts";
import { ResponseReader } from "./load/response.ts";

/** Endless supplies go on where the last job left off. */
const supplies = new Map<string, Supply>();

function supplyFor({ requests, pipelined }: Job): Supply {
  const close = pipelined === "close";
  const key = JSON.stringify([requests, close]);
  const supply = supplies.get(key) ?? supplyRequests(requests, close);
  if (requests.kind === "mix" || requests.kind === "again") supplies.set(key, supply);
  return supply;
}

async function perform(job: Job): Promise<Outcome> {
  const supply = supplyFor(job);
  const reader = new ResponseReader();
  const latencies: number[] = [];
  const started = performance.now();
  const end = job.seconds === null ? Number.POSITIVE_INFINITY : started + job.seconds * 1000;
  const loop = {
    job,
    supply,
    reader,
    // When everything is sent once, there may be too many to keep, and they are of no interest.
    onAnswered: job.seconds === null ? () => {} : (latencyMs: number) => void latencies.push(latencyMs),
    isOver: () => performance.now() >= end,
  };
  await Promise.all(Array.from({ length: job.connections }, () => new ClientConnection(loop).done));
  const seconds = (performance.now() - started) / 1000;
  const sorted = Float64Array.from(latencies).sort();
  const quantile = (part: number) => sorted[Math.ceil(sorted.length * part) - 1] ?? 0;
  return {
    responses: reader.count,
    seconds,
    bodyBytes: reader.bodyBytes / reader.count,
    latencyMs: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) },
  };
}

process.on("message", async (job: Job) => {
  let answer: Answer;
  try {
    answer = { outcome: await perform(job) };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.send?.(answer);
});
