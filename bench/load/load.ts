/** The benchmark's side of the load generator. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type ProcessorTime, processorTimeOf } from "../processor-time.ts";
import type { Server } from "../servers/server.ts";
import type { Answer, Job, Outcome } from "./job.ts";

const GENERATOR = fileURLToPath(new URL("../load-generator.ts", import.meta.url));

/** A process that sends announces, on its own core. It ends with this process. */
export class Load {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Answer[]>;

  /** @param core number of the core that it may use. */
  constructor(core: number) {
    this.#child = fork(GENERATOR, { execPath: "taskset", execArgv: ["-c", String(core), process.execPath] });
    this.#ended = once(this.#child, "exit").then(() => [{ error: "the load generator ended" }]);
  }

  /** @throws Error with the server's output if a response is missing or is an error. */
  async perform(server: Server, job: Omit<Job, "port">): Promise<Outcome> {
    this.#child.send({ ...job, port: job.manner === "udp" ? server.udpPort : server.port });
    const [answer]: Answer[] = await Promise.race([once(this.#child, "message"), this.#ended]);
    if ("error" in answer) {
      await server.stop();
      throw new Error(`${server.name}: ${answer.error}\n${server.output}`);
    }
    return answer.outcome;
  }

  /** The processor time it has used. */
  processorTime(): ProcessorTime {
    return processorTimeOf(this.#child.pid ?? 0);
  }

  /** Ends the process. */
  stop(): void {
    this.#child.disconnect();
  }
}
