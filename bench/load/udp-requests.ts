/** Announces over UDP (BEP 15). */
import type { Encode } from "./announces.ts";
import { addressOf, infoHash, type Population, portOf } from "./population.ts";

/** Bytes of an announce, and of its reply without peers; of each peer in it. */
export const ANNOUNCE_BYTES = 98;
export const ANNOUNCE_REPLY_BYTES = 20;
export const COMPACT_BYTES = 6;

/** A request for a connection id, with transaction 0. */
export const CONNECT = Buffer.from("00000417271019800000000000000000", "hex");

/** Actions of requests and replies. */
export const ACTION = { connect: 0, announce: 1 } as const;

/** Offsets of the fields that all requests start with. */
export const AT = { connectionId: 0, action: 8, transactionId: 12 } as const;

const EVENT = { none: 0, completed: 1, started: 2, stopped: 3 } as const;

/** Writes an announce without connection id and transaction id, which the sender fills in. */
export function encodeUdp(population: Population): Encode {
  return ({ swarm, peer, left, numWant, event }, bytes, at) => {
    bytes.writeUInt32BE(ACTION.announce, at + AT.action);
    bytes.set(infoHash(population, swarm), at + 16);
    bytes.write(`-TR4060-${peer.toString(36).padStart(12, "0")}`, at + 36, "latin1");
    bytes.fill(0, at + 56, at + ANNOUNCE_BYTES);
    bytes.writeUInt32BE(left, at + 68);
    bytes.writeUInt32BE(EVENT[event], at + 80);
    if (population.distinctBy !== "source") bytes.set(addressOf(peer), at + 84);
    bytes.writeUInt32BE(numWant, at + 92);
    bytes.writeUInt16BE(portOf(population, peer), at + 96);
    return at + ANNOUNCE_BYTES;
  };
}
