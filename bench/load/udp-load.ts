/** Sends announces over UDP. */
import type { Supply } from "./announces.ts";
import type { Job } from "./job.ts";
import type { Meter } from "./meter.ts";
import { Sources } from "./sources.ts";
import { UdpSource } from "./udp-source.ts";

/** A datagram without a reply after this time is lost. */
const LOST_MS = 200;

/** Performs a job. Returns when it is over. @throws Error */
export function loadUdp(job: Job, supplies: readonly Supply[], meter: Meter): void {
  const sources = new Sources(job.port);
  const senders = supplies.map((supply, source) => {
    return new UdpSource(sources.openDatagram(source), sources.server, supply, meter);
  });
  let lookedAt = meter.now;
  try {
    for (const sender of senders) sender.connect();
    while (senders.some(({ isDone }) => !isDone)) {
      meter.tick();
      for (const sender of senders) sender.receive();
      if (meter.now < lookedAt + LOST_MS) continue;
      lookedAt = meter.now;
      for (const sender of senders) sender.sendAgain(meter.now - LOST_MS);
    }
  } finally {
    for (const sender of senders) sender.close();
    sources.close();
  }
}
