/** Counts BitTorrent handshakes that reach a router, without nftables. */
import { fileURLToPath } from "node:url";
import { type Bed, type Process, until } from "../support/bed.ts";

const CAPTURE = fileURLToPath(new URL("./handshakes.py", import.meta.url));

/** One packet with a handshake. */
export interface Handshake {
  readonly source: string;
  readonly destination: string;
  readonly protocol: "tcp" | "utp";
  /** 40 hexadecimal digits. */
  readonly infoHash: string;
}

/** Bytes of payload that one address has sent to another over TCP and UDP. */
export interface Transfer {
  readonly source: string;
  readonly destination: string;
  readonly bytes: number;
}

/** Captures all packets that arrive in a namespace. */
export class HandshakeCapture {
  readonly #process: Process;

  private constructor(running: Process) {
    this.#process = running;
  }

  /** Starts the capture. */
  static async start(bed: Bed, namespace: string): Promise<HandshakeCapture> {
    const running = bed.run(["/usr/bin/python3", CAPTURE], namespace);
    await until("the capture listens", () => running.stdout !== "" || running.end !== undefined);
    if (running.end !== undefined) throw new Error(running.stderr);
    return new HandshakeCapture(running);
  }

  /** All handshakes so far. */
  get handshakes(): Handshake[] {
    return this.#lines().filter((line) => "infoHash" in line);
  }

  /** Waits until an address has sent a handshake. */
  async until(source: string): Promise<void> {
    await until(`${source} sends a handshake`, () => this.handshakes.some((each) => each.source === source));
  }

  /** Stops the capture. @returns how many bytes each address has sent to each other. */
  async stop(): Promise<Transfer[]> {
    await this.#process.stop();
    return this.#lines().find((line) => "payload" in line)?.payload ?? [];
  }

  #lines(): (Handshake | { readonly payload: Transfer[] })[] {
    const whole = this.#process.stdout.slice(0, this.#process.stdout.lastIndexOf("\n"));
    return whole
      .split("\n")
      .slice(1)
      .map((line) => JSON.parse(line));
  }
}
