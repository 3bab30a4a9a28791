/**
 * The process that sends announces. It takes one job at a time from its parent, and answers with the outcome.
 * It is started by load/load.ts. During a job it does nothing else, and it never sleeps unless the job requires it. So
 * the server is always busy, as a measurement needs.
 */
import { type Supply, supplyRequests } from "./load/announces.ts";
import { loadHttp } from "./load/http-load.ts";
import { encodeHttp } from "./load/http-requests.ts";
import type { Answer, Job, Outcome } from "./load/job.ts";
import { Meter } from "./load/meter.ts";
import { loadUdp } from "./load/udp-load.ts";
import { encodeUdp } from "./load/udp-requests.ts";

/** Endless supplies continue where the last job stopped. */
const supplies = new Map<string, Supply[]>();

function suppliesFor({ requests, manner, plain }: Job): Supply[] {
  const { kind, population } = requests;
  const encode = manner === "udp" ? encodeUdp(population) : encodeHttp(population, manner === "close", plain);
  if (kind === "fill" || kind === "stop") return supplyRequests(requests, encode);
  const key = JSON.stringify([requests, typeof manner === "number" ? "kept" : manner, plain]);
  const supply = supplies.get(key) ?? supplyRequests(requests, encode);
  supplies.set(key, supply);
  return supply;
}

function perform(job: Job): Outcome {
  const supply = suppliesFor(job);
  const meter = new Meter(job);
  if (job.manner === "udp") loadUdp(job, supply, meter);
  else loadHttp(job, supply, meter);
  return meter.outcome();
}

process.on("message", (job: Job) => {
  let answer: Answer;
  try {
    answer = { outcome: perform(job) };
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(answer);
});
