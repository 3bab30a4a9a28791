/** Announces and scrapes that a test sends itself. */
import { createHash } from "node:crypto";
import { get } from "node:http";
import { text } from "node:stream/consumers";
import { type Bencoded, bdecode } from "./bencode.ts";

/** An announce. Missing values have ordinary defaults. */
export interface Announce {
  readonly infoHash: Uint8Array;
  readonly port: number;
  readonly left?: number;
  /** Bytes transferred since the start. */
  readonly downloaded?: number;
  readonly uploaded?: number;
  readonly event?: "started" | "completed" | "stopped";
  readonly numWant?: number;
  /** The source address, one of the machine's. */
  readonly from?: string;
  /** The address in the announce, which the tracker must trust. */
  readonly ip?: string;
  /** 20 letters and digits. By default: different for every client. */
  readonly peerId?: string;
}

/** The answer. */
export interface AnnounceAnswer {
  readonly complete: number;
  readonly incomplete: number;
  readonly interval: number;
  /** `address:port`, in the order of the answer. */
  readonly peers: string[];
  /** The same for IPv6: `[address]:port`, with all eight groups written out. */
  readonly peers6: string[];
}

/** The counts of one torrent. */
export interface Counts {
  readonly complete: number;
  readonly incomplete: number;
  readonly downloaded: number;
}

/** @throws Error if the tracker does not reply, or refuses. */
export async function announce(url: string, what: Announce): Promise<AnnounceAnswer> {
  const query = [
    `info_hash=${escapeBytes(what.infoHash)}`,
    `peer_id=${peerIdOf(what)}`,
    `port=${what.port}&uploaded=${what.uploaded ?? 0}&downloaded=${what.downloaded ?? 0}`,
    `left=${what.left ?? 1000}&compact=1`,
    what.event === undefined ? "" : `event=${what.event}`,
    what.numWant === undefined ? "" : `numwant=${what.numWant}`,
    what.ip === undefined ? "" : `ip=${what.ip}`,
  ];
  const body = await request(`${url}?${query.filter((part) => part !== "").join("&")}`, what.from);
  return readAnnounceAnswer(body);
}

/** Different for every client, and constant for each client. */
function peerIdOf({ ip, from, port, peerId }: Announce): string {
  return (
    peerId ?? `-ET0001-${createHash("sha256").update(`${ip} ${from} ${port}`).digest("hex").slice(0, 12)}`
  );
}

/** Parses the body of an answer to an announce. @throws Error if it is a failure, or not such an answer. */
export function readAnnounceAnswer(body: Uint8Array): AnnounceAnswer {
  const answer = dictionary(bdecode(body));
  if ("failure reason" in answer) throw new Error(`refused: ${answer["failure reason"]}`);
  const number = (key: string): number => {
    const value = answer[key];
    if (typeof value !== "number") throw new Error(`no number ${key} in ${JSON.stringify(answer)}`);
    return value;
  };
  return {
    complete: number("complete"),
    incomplete: number("incomplete"),
    interval: number("interval"),
    peers: readPeers(answer.peers ?? "", 4),
    peers6: readPeers(answer.peers6 ?? "", 16),
  };
}

/** @throws Error if the tracker does not reply, refuses, or does not return the torrent. */
export async function scrape(url: string, infoHash: Uint8Array): Promise<Counts> {
  const body = await request(`${url.replace("/announce", "/scrape")}?info_hash=${escapeBytes(infoHash)}`);
  const files = dictionary(dictionary(bdecode(body)).files);
  const { complete, incomplete, downloaded } = dictionary(files[Buffer.from(infoHash).toString("latin1")]);
  return { complete: Number(complete), incomplete: Number(incomplete), downloaded: Number(downloaded) };
}

function readPeers(compact: Bencoded, addressBytes: 4 | 16): string[] {
  if (typeof compact !== "string") throw new Error("peers are not compact");
  const bytes = Buffer.from(compact, "latin1");
  const size = addressBytes + 2;
  if (bytes.length % size !== 0) throw new Error(`${bytes.length} bytes of peers of ${size} bytes`);
  const peers: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const address = bytes.subarray(at, at + addressBytes);
    const port = bytes.readUInt16BE(at + addressBytes);
    peers.push(addressBytes === 4 ? `${[...address].join(".")}:${port}` : `[${groups(address)}]:${port}`);
  }
  return peers;
}

function groups(address: Buffer): string {
  return Array.from({ length: 8 }, (_, i) => address.readUInt16BE(2 * i).toString(16)).join(":");
}

function dictionary(value: Bencoded | undefined): { [key: string]: Bencoded } {
  if (typeof value !== "object" || Array.isArray(value)) throw new Error(`no dictionary: ${String(value)}`);
  return value;
}

function escapeBytes(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}

/** One request on its own connection. */
async function request(url: string, from?: string): Promise<Buffer> {
  const local = from === undefined ? {} : { localAddress: from };
  const { body, status } = await new Promise<{ body: string; status: number | undefined }>(
    (resolve, reject) => {
      const sent = get(url, { agent: false, timeout: 60_000, ...local }, (response) => {
        response.setEncoding("latin1");
        text(response).then((body) => resolve({ body, status: response.statusCode }), reject);
      });
      sent.on("error", reject).on("timeout", () => sent.destroy(new Error(`no answer from ${url}`)));
    },
  );
  if (status !== 200) throw new Error(`HTTP ${status} from ${url}: ${body}`);
  return Buffer.from(body, "latin1");
}
