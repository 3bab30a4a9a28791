/** Encodes each list once per format, however many clients ask for it. */
import { createHash } from "node:crypto";
import { setImmediate as yieldToOthers } from "node:timers/promises";
import { FORMATS, type HashListFormat } from "./formats/formats.ts";
import type { HashList } from "./hash-list.ts";

/** A list in one format. */
interface EncodedList {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** The encodings of the latest list. */
export class EncodedLists {
  #list: HashList | undefined;
  #encodings = new Map<HashListFormat, Promise<EncodedList>>();

  /** A list in a format. @param timeoutSeconds for how long the receiver may use it. */
  encode(list: HashList, format: HashListFormat, timeoutSeconds: number): Promise<EncodedList> {
    if (list !== this.#list) this.#encodings = new Map();
    this.#list = list;
    const known = this.#encodings.get(format);
    if (known !== undefined) return known;
    const encoding = encode(list, format, timeoutSeconds);
    this.#encodings.set(format, encoding);
    return encoding;
  }
}

async function encode(list: HashList, format: HashListFormat, timeoutSeconds: number): Promise<EncodedList> {
  const hash = createHash("sha256");
  const pieces: Uint8Array[] = [];
  for (const piece of FORMATS[format].encode(list, timeoutSeconds)) {
    hash.update(piece);
    pieces.push(piece);
    await yieldToOthers();
  }
  return { bytes: Buffer.concat(pieces), sha256: hash.digest("hex") };
}
