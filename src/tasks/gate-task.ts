/**
 * The bytes of a task of the gate (`TASK.gate`). The first form asks for a look at a swarm. The second one adds the downloader
 * that has come to it, and that the selection policy has not marked: a swarm need not be looked at, if such a downloader is closed.
 *
 *     info-hash:160
 *     info-hash:160  address:128  port:16  key:32
 */
import { Address, readPort, readWord, writePort, writeWord } from "../model/address.ts";
import { INFO_HASH_BYTES, INFO_HASH_WORDS, setInfoHashWords } from "../model/info-hash.ts";

const PORT_AT = INFO_HASH_BYTES + 16;
const KEY_AT = PORT_AT + 2;

/** Bytes of the second form; the first has those of an info-hash. */
export const ARRIVAL_BYTES = KEY_AT + 4;

/** A downloader that has come to a swarm. Mutable, reused for every task. */
export class Arrival {
  readonly infoHash = new Uint32Array(INFO_HASH_WORDS);
  readonly address = new Address();
  port = 0;
  /** Of its record (store/layout/key.ts). */
  key = 0;

  /** Reads the second form. @returns false if it is the first. */
  read(bytes: Uint8Array): boolean {
    if (bytes.length < ARRIVAL_BYTES) return false;
    setInfoHashWords(this.infoHash, 0, bytes);
    this.address.setBytes(bytes, INFO_HASH_BYTES);
    this.port = readPort(bytes, PORT_AT);
    this.key = readWord(bytes, KEY_AT);
    return true;
  }
}

/** Writes the first form. */
export function writeGateTask(out: Uint8Array, infoHash: Uint32Array): void {
  for (let i = 0; i < INFO_HASH_WORDS; i++) writeWord(out, 4 * i, infoHash[i]);
}

/** Writes what the second form adds. */
export function writeArrival(out: Uint8Array, address: Address, port: number, key: number): void {
  address.writeBytes(out, INFO_HASH_BYTES);
  writePort(out, PORT_AT, port);
  writeWord(out, KEY_AT, key);
}
