/**
 * The process that sends announces: takes one job at a time from its parent and answers with what came of it.
 * Started by load/load.ts; of no use by itself. It does nothing else while it performs a job, and never waits unless it
 * is told to: then it finds the server busy, as a server should be when it is measured.
 */
import { type Supply, supplyRequests } from "./load/announces.ts";
import { loadHttp } from "./load/http-load.ts";
import { encodeHttp } from "./load/http-requests.ts";
import type { Answer, Job, Outcome } from "./load/job.ts";
import { Meter } from "./load/meter.ts";
import { loadUdp } from "./load/udp-load.ts";
import { encodeUdp } from "./load/udp-requests.ts";

/** Endless supplies go on where the last job left off. */
const supplies = new Map<string, Supply[]>();

function suppliesFor({ requests, manner }: Job): Supply[] {
  const { kind, population } = requests;
  const encode = manner === "udp" ? encodeUdp(population) : encodeHttp(population, manner === "close");
  if (kind === "fill" || kind === "stop") return supplyRequests(requests, encode);
  const key = JSON.stringify([requests, typeof manner === "number" ? "kept" : manner]);
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
