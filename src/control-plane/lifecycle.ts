/** The one lifecycle of everything that runs on the control plane. */
import type { LoadedConfig } from "../config/load.ts";
import type { PolicyData } from "../data-plane/protocol.ts";

/** A part of the tracker that starts, follows reloads and stops. A component leaves out what it has no use for. */
export interface Component {
  /** Starts. The components before this one have started. @throws what explainStartFailure explains. */
  start?(): Promise<void> | void;
  /** Follows a reload. @param policy the new policy; components before this one follow it already. */
  adopt?(loaded: LoadedConfig, policy: PolicyData): void;
  /** Stops. The components after this one have stopped. Also called when this component's own start has failed. */
  stop?(): Promise<void> | void;
}

/** Starts components in order, has them follow reloads in order, and stops them in reverse. */
export class Lifecycle {
  readonly #components: readonly Component[];
  /** Components whose start was called, the last one first. */
  readonly #started: Component[] = [];

  constructor(components: readonly Component[]) {
    this.#components = components;
  }

  /** Starts all components. If one fails, those that were started are stopped. @throws what that one threw. */
  async start(): Promise<void> {
    try {
      for (const component of this.#components) {
        this.#started.unshift(component);
        await component.start?.();
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Has all components follow a reload. */
  adopt(loaded: LoadedConfig, policy: PolicyData): void {
    for (const component of this.#components) component.adopt?.(loaded, policy);
  }

  /** Stops what was started. */
  async stop(): Promise<void> {
    for (const component of this.#started.splice(0)) await component.stop?.();
  }
}

/** A component that calls a function at an interval. */
export function repeating(intervalMs: number, run: () => void): Component {
  let timer: NodeJS.Timeout | undefined;
  return {
    start: () => {
      timer = setInterval(run, intervalMs);
    },
    stop: () => clearInterval(timer),
  };
}
