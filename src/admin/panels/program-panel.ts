/** The program: its version, machine, process, engine and workers. */
import { hostname } from "node:os";
import { z } from "zod";
import { counter, gauge } from "../exposition.ts";
import type { Panel } from "../panel.ts";
import type { Sources } from "../sources.ts";

const count = z.int().nonnegative();

/** The panel's fields. */
export const programSchema = z.object({
  version: z.string(),
  build: z.string(),
  hostName: z.string().describe("The name of its machine."),
  pid: count.describe("Its process id."),
  engine: z.string(),
  workers: count,
  access: z
    .enum(["full", "monitoring"])
    .describe("monitoring: asked with the token of admin.monitoring_token_file, addresses are hidden."),
  ready: z.boolean().describe("Whether clients are answered."),
  announceUrls: z.array(z.string()),
  time: z.iso.datetime(),
  uptimeSeconds: z.number(),
});

/** Shows the program. */
export function programPanel(sources: Sources): Panel<typeof programSchema> {
  const { version, build, engine, workers } = sources;
  return {
    schema: programSchema,
    read: () => ({
      version,
      build,
      hostName: hostname(),
      pid: process.pid,
      engine,
      workers,
      access: "full" as const,
      ready: sources.ready(),
      announceUrls: [...sources.addresses()],
      time: new Date().toISOString(),
      uptimeSeconds: process.uptime(),
    }),
    metrics: ({ ready }) => [
      gauge("btrt_build_info", "This program; always 1.", { labels: { version, engine, workers }, value: 1 }),
      gauge("btrt_ready", "1 when clients are answered.", { value: ready ? 1 : 0 }),
      counter("btrt_worker_crashes_total", "Workers that crashed and were replaced.", {
        value: sources.crashes(),
      }),
    ],
    warnings: () => {
      const crashes = sources.crashes();
      const text = `Workers that crashed since the start and were replaced: ${crashes}. The log has the reason.`;
      return crashes > 0 ? [{ isUrgent: true, text }] : [];
    },
  };
}
