/** Asks a tracker as one more peer, and counts the peers in the response: a tracker that returns fewer has less to do. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "../servers/server.ts";
import type { Encode } from "./announces.ts";
import { encodeHttp } from "./http-requests.ts";
import { readPeers } from "./http-responses.ts";
import { type Population, portOf } from "./population.ts";
import {
  ANNOUNCE_BYTES,
  ANNOUNCE_REPLY_BYTES,
  AT,
  COMPACT_BYTES,
  CONNECT,
  encodeUdp,
} from "./udp-requests.ts";

/** Swarms that are asked for. */
const ASKED_SWARMS = 50;

/** Time for the reply to a datagram. */
const REPLY_MS = 2000;

const REQUEST_ROOM = 512;

/** An announce. */
type Announce = Parameters<Encode>[0];
/** Sends an announce. @returns the compact peers of the response. */
type Ask = (announce: Announce) => Promise<Buffer>;

/**
 * Announces a new peer in some swarms of equal size, counts the other peers in the responses, and stops it.
 * @param numWant the number of peers that it wants.
 * @returns the least number in a response.
 * @throws Error if a response is missing, or is none.
 */
export async function countReturned(
  server: Server,
  population: Population,
  numWant: number,
  manner: "http" | "udp",
): Promise<number> {
  const { ask, close } =
    manner === "udp" ? await openUdp(server, population) : { ask: askHttp(server, population), close() {} };
  let least = Number.POSITIVE_INFINITY;
  const step = Math.max(1, Math.floor(population.swarms / ASKED_SWARMS));
  try {
    for (let swarm = 0; swarm < population.swarms; swarm += step) {
      // Others with higher numbers join while the tracker is measured.
      const peer = population.peers + 2 * population.swarms + swarm;
      const announce = { swarm, peer, left: 1, numWant } as const;
      const peers = await ask({ ...announce, event: "started" });
      await ask({ ...announce, event: "stopped" });
      least = Math.min(least, countOthers(peers, portOf(population, peer)));
    }
  } finally {
    close();
  }
  return least;
}

/** Distinct peers, without that which announced: its port is the only one of its kind in its swarm. */
function countOthers(peers: Buffer, ownPort: number): number {
  const others = new Set<string>();
  for (let at = 0; at < peers.length; at += COMPACT_BYTES) {
    if (peers.readUInt16BE(at + 4) !== ownPort) others.add(peers.toString("hex", at, at + COMPACT_BYTES));
  }
  return others.size;
}

function askHttp({ port }: Server, population: Population): Ask {
  const encode = encodeHttp(population, true);
  return async (announce) => {
    const bytes = Buffer.alloc(REQUEST_ROOM);
    const [, path] = bytes.toString("latin1", 0, encode(announce, bytes, 0)).split(" ");
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { Connection: "close" } });
    return readPeers(Buffer.from(await response.arrayBuffer()));
  };
}

async function openUdp(server: Server, population: Population): Promise<{ ask: Ask; close(): void }> {
  const socket = createSocket("udp4");
  socket.connect(server.udpPort, "127.0.0.1");
  await once(socket, "connect");
  const exchange = async (request: Buffer): Promise<Buffer> => {
    const reply = once(socket, "message");
    socket.send(request);
    const late = sleep(REPLY_MS).then(() => {
      throw new Error(`${server.name}: no reply to a datagram`);
    });
    const [bytes]: Buffer[] = await Promise.race([reply, late]);
    return bytes;
  };
  const connectionId = (await exchange(CONNECT)).subarray(8, 16);
  const encode = encodeUdp(population);
  const ask: Ask = async (announce) => {
    const request = Buffer.alloc(ANNOUNCE_BYTES);
    encode(announce, request, 0);
    connectionId.copy(request, AT.connectionId);
    return (await exchange(request)).subarray(ANNOUNCE_REPLY_BYTES);
  };
  return { ask, close: () => socket.close() };
}
