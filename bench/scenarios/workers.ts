/** The gain from a second worker. The load generator shares the cores with both, so it must be light. */
import { fill } from "../load/fill.ts";
import { CONNECTIONS } from "../load/http-load.ts";
import { type Contender, cpuOf, measureInTurn } from "../measure.ts";
import { startBtrt } from "../servers/btrt.ts";
import { makePlace, type Setting } from "../setting.ts";
import { medianOf, ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";
import { populationOf } from "./announces.ts";

const WANTED = "≥ 1.70";
const PIPELINED = 128;

/** @returns one table. */
export async function measureWorkers(setting: Setting): Promise<Table> {
  const population = populationOf(setting);
  const contenders: (Contender & { readonly workers: number; readonly engine: number })[] = [];
  for (const [index, engine] of setting.engines.entries()) {
    for (const workers of [1, 2]) {
      const place = makePlace(setting, workers === 1 ? [setting.serverCore] : setting.cores);
      const server = await startBtrt(place, { engine, workers });
      await fill(setting.load, server, population);
      const requests = { kind: "mix", population } as const;
      const job = { requests, manner: PIPELINED, sleeps: true };
      contenders.push({ name: `${workers}`, server, job, workers, engine: index });
    }
  }
  const samples = await measureInTurn(setting.load, contenders, setting.rounds, setting.seconds);
  for (const { server } of contenders) await server.stop();
  const rates = samples.map((each) => each.map(({ responses, seconds }) => responses / seconds));
  return {
    title: "Workers",
    notes: [
      `HTTP, ${CONNECTIONS} connections that are kept, ${PIPELINED} requests at a time on each; the same announces as above.`,
      "One worker has a core, and the load generator the other. Two workers have both cores, less what the generator takes.",
    ],
    columns: ["server", "workers", "responses/s", "to one", "wanted", "CPU per response, µs", "cores"],
    rows: contenders.map(({ server, workers, engine }, i) => [
      server.name,
      String(workers),
      formatCount(medianOf(rates[i], (rate) => rate)),
      workers === 1 ? "" : formatSpread(ratioOf(rates[i], rates[i - 1]), 2),
      workers > 1 && engine === 0 ? WANTED : "",
      formatSpread(spreadOf(cpuOf(samples[i])), 1),
      medianOf(samples[i], ({ busy }) => busy).toFixed(2),
    ]),
  };
}
