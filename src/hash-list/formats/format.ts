/** What a format of the hash list is. */
import type { HashList } from "../hash-list.ts";

/**
 * A format in which a hash list is exported. Each is one file in this folder and one line in `formats.ts`: the
 * configuration's choices, `--format`, the HTTP interface and the endings of files follow from that.
 */
export interface Format {
  /** The ending of a file's name, with its dot. */
  readonly ending: string;
  readonly mediaType: string;
  /** One sentence for the configuration's template and the manual page. */
  readonly description: string;
  /** Whether `hashlist.dry_run` exports it nevertheless: a format that people read, and no router acts on. */
  readonly availableInDryRun: boolean;
  /**
   * Encodes a list in pieces, so that a long list does not block the event loop.
   * @param timeoutSeconds for how long the receiver may use the list, where the format can say so.
   */
  encode(list: HashList, timeoutSeconds: number): Iterable<Uint8Array>;
  /** The info-hashes of an encoded list, in hexadecimal. Bytes of another format have no info-hashes. */
  decode(bytes: Buffer): Set<string>;
}
