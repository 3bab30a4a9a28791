/** The test's side of a crowd. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { CrowdAnswers, CrowdMessage, CrowdPlan, CrowdReply, CrowdRequest } from "./protocol.ts";

const PROGRAM = fileURLToPath(new URL("./program.ts", import.meta.url));

/** A crowd of clients, in a process of its own. It ends with this process. */
export class Crowd {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>();
  #id = 0;

  /** @param namespace the network namespace of the clients; by default the machine's. */
  constructor(plan: CrowdPlan, namespace?: string) {
    const within =
      namespace === undefined
        ? {}
        : { execPath: "ip", execArgv: ["netns", "exec", namespace, process.execPath] };
    this.#child = fork(PROGRAM, [JSON.stringify(plan)], within);
    this.#child.on("message", (reply: CrowdReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ("error" in reply) waiting?.reject(new Error(reply.error));
      else waiting?.resolve(reply.answer as never);
    });
    this.#child.on("exit", (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the crowd has ended: ${code}`));
    });
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Asks the crowd. @throws Error if it cannot do that. */
  async ask<Request extends CrowdRequest>(request: Request): Promise<CrowdAnswers[Request["kind"]]> {
    const message: CrowdMessage = { ...request, id: ++this.#id };
    return await new Promise((resolve, reject) => {
      this.#waiting.set(message.id, { resolve, reject });
      this.#child.send(message);
    });
  }

  /** Ends it. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.disconnect();
    await ended;
  }
}
