/** Captures announces and their answers on the wire between real clients and the tracker. */
import { fileURLToPath } from "node:url";
import { type AnnounceAnswer, readAnnounceAnswer } from "./announce.ts";
import { type Bed, type Process, until } from "./bed.ts";

const CAPTURE = fileURLToPath(new URL("./capture.py", import.meta.url));

/** One announce and its answer. */
interface Exchange {
  /** The client as a peer: `address:port`, with the announced port. */
  readonly peer: string;
  readonly query: URLSearchParams;
  /** The `User-Agent` header. */
  readonly agent: string;
  readonly answer: AnnounceAnswer;
}

/** Captures one port of a namespace, on all its interfaces. */
export class Capture {
  readonly #process: Process;

  private constructor(running: Process) {
    this.#process = running;
  }

  /** Starts the capture. */
  static async start(bed: Bed, namespace: string, port: number): Promise<Capture> {
    const running = bed.run(["/usr/bin/python3", CAPTURE, String(port)], namespace);
    await until("the capture listens", () => running.stdout !== "" || running.end !== undefined);
    if (running.end !== undefined) throw new Error(running.stderr);
    return new Capture(running);
  }

  /** Stops the capture. @returns all announces, connection by connection. */
  async stop(): Promise<Exchange[]> {
    await this.#process.stop();
    const [, ...lines] = this.#process.stdout.split("\n").slice(0, -1);
    return lines.flatMap((line) => {
      const { client, request, response } = JSON.parse(line);
      return readExchanges(client, Buffer.from(request, "hex"), Buffer.from(response, "hex"));
    });
  }
}

/** Splits one connection's bytes. Requests and answers come in pairs. The capture may end within an answer, which is left out. */
function readExchanges(client: string, request: Buffer, response: Buffer): Exchange[] {
  const exchanges: Exchange[] = [];
  let at = 0;
  for (const head of request.toString("latin1").split("\r\n\r\n").slice(0, -1)) {
    const end = response.indexOf("\r\n\r\n", at) + 4;
    if (end < 4) break;
    const length = /\r\ncontent-length: *(\d+)/i.exec(response.toString("latin1", at, end))?.[1];
    const bodyEnd = length === undefined ? response.length : end + Number(length);
    if (bodyEnd > response.length) break;
    const body = response.subarray(end, bodyEnd);
    at = bodyEnd;
    const [, path, search] = /^GET ([^? ]+)\?(\S*) /.exec(head) ?? [];
    if (path !== "/announce") continue;
    const query = new URLSearchParams(search);
    const agent = /\r\nuser-agent: *(.*)/i.exec(head)?.[1] ?? "";
    exchanges.push({
      peer: `${client}:${query.get("port")}`,
      query,
      agent,
      answer: readAnnounceAnswer(body),
    });
  }
  return exchanges;
}
