/**
 * The corpus of hostile requests, `corpus/http/*.txt`. A case is
 * ```
 * === what it is
 * from: 192.0.2.1               the other end's address (this one, unless it says another)
 * trusted: 10.0.0.0/8           trusted proxies
 * believed: 192.0.2.0/24        requesters whose ip=, ipv4= and ipv6= are believed
 * expect: 200 400 closed        the status of every reply in order, then closed, or open
 * says: must not have a body    part of the last reply's body
 * seen: port=6881 left=0        words of the last request that the tracker saw; without this line it saw none
 *
 * GET /announce HTTP/1.1\r\n
 * ```
 * and then what is sent, in which the ends of the file's lines mean nothing, `\r \n \t \0 \\` and `\xHH` mean bytes,
 * and `\(3*ab)` means `ababab`, in which there may be escapes. Lines that begin with # are comments.
 */
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** One hostile request, or several on one connection, and the expected result. */
export interface HostileCase {
  readonly name: string;
  readonly from: string;
  readonly trusted: readonly string[];
  readonly believed: readonly string[];
  readonly statuses: readonly number[];
  readonly closed: boolean;
  readonly says: string;
  readonly seen: readonly string[];
  /** The bytes to send, one per character. */
  readonly bytes: string;
}

/** A case as written: its settings, and the bytes to send, one per character. */
export interface WrittenCase {
  readonly name: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly bytes: string;
}

const SETTINGS = ["from", "trusted", "believed", "expect", "says", "seen"];
const CONTROLS: Record<string, string> = { r: "\r", n: "\n", t: "\t", "0": "\0", "\\": "\\" };

/** Reads all cases. @throws Error for a file that is not as described above. */
export function readCorpus(): HostileCase[] {
  return readCases("http", SETTINGS).map(({ name, settings, bytes }) => {
    const words = (setting: string) => wordsOf(settings.get(setting));
    const end = words("expect").at(-1);
    if (end !== "closed" && end !== "open") throw new Error(`${name}: expect must end in closed or open`);
    return {
      name,
      from: settings.get("from") ?? "192.0.2.1",
      trusted: words("trusted"),
      believed: words("believed"),
      statuses: words("expect").slice(0, -1).map(Number),
      closed: end === "closed",
      says: settings.get("says") ?? "",
      seen: words("seen"),
      bytes,
    };
  });
}

/** The words of a setting, possibly none. */
export function wordsOf(setting = ""): string[] {
  return setting.split(" ").filter((word) => word !== "");
}

/**
 * Reads the cases in a folder of the corpus.
 * @param names the settings that a case may have.
 * @throws Error for a file that is not as described above.
 */
export function readCases(folderName: string, names: readonly string[]): WrittenCase[] {
  const folder = join(import.meta.dirname, "corpus", folderName);
  return globSync("*.txt", { cwd: folder })
    .sort()
    .flatMap((file) => readFile(basename(file, ".txt"), readFileSync(join(folder, file), "utf8"), names));
}

function readFile(theme: string, text: string, names: readonly string[]): WrittenCase[] {
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  const [before, ...cases] = lines.join("\n").split(/^=== /m);
  if (before.trim() !== "") throw new Error(`${theme}: text before the first case`);
  return cases.map((part) => readCase(theme, part, names));
}

function readCase(theme: string, text: string, names: readonly string[]): WrittenCase {
  const [head, ...rest] = text.split("\n\n");
  const [title, ...lines] = head.split("\n");
  const name = `${theme}: ${title}`;
  const settings = new Map(lines.map((line) => readSetting(name, line, names)));
  return { name, settings, bytes: toBytes(rest.join("").replaceAll("\n", "")) };
}

function readSetting(name: string, line: string, names: readonly string[]): [string, string] {
  const colon = line.indexOf(": ");
  if (colon < 0 || !names.includes(line.slice(0, colon))) throw new Error(`${name}: ${line} is no setting`);
  return [line.slice(0, colon), line.slice(colon + 2)];
}

function toBytes(text: string): string {
  let at = 0;
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) throw new Error(`an unknown escape in ${text}, before ${text.slice(at)}`);
    at = pattern.lastIndex;
    return found[1];
  };
  const sequence = (isRepeated: boolean): string => {
    let bytes = "";
    while (at < text.length && !(isRepeated && text[at] === ")")) {
      if (text[at] !== "\\") {
        bytes += text[at++];
      } else if (text[at + 1] === "x") {
        bytes += String.fromCharCode(Number.parseInt(take(/\\x([0-9a-f]{2})/y), 16));
      } else if (text[at + 1] === "(") {
        const times = Number(take(/\\\((\d+)\*/y));
        bytes += sequence(true).repeat(times);
        take(/(\))/y);
      } else {
        bytes += CONTROLS[take(/\\([rnt0\\])/y)];
      }
    }
    return bytes;
  };
  return sequence(false);
}
