/** Bencoding (BEP 3) for tests. Byte strings are passed as latin1 text. */

/** A bencoded value. Dictionaries keep their order when decoded and are sorted when encoded. */
export type Bencoded = number | string | Bencoded[] | { [key: string]: Bencoded };

/** @param value strings have one character per byte. */
export function bencode(value: Bencoded): string {
  if (typeof value === "number") return `i${value}e`;
  if (typeof value === "string") return `${value.length}:${value}`;
  if (Array.isArray(value)) return `l${value.map(bencode).join("")}e`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `d${entries.map(([key, each]) => bencode(key) + bencode(each)).join("")}e`;
}

/** @throws Error if the bytes are not exactly one value. */
export function bdecode(bytes: Uint8Array): Bencoded {
  const text = Buffer.from(bytes).toString("latin1");
  let at = 0;
  const until = (end: string): string => {
    const found = text.indexOf(end, at);
    if (found < 0) throw new Error(`no ${end} after byte ${at}`);
    const part = text.slice(at, found);
    at = found + 1;
    return part;
  };
  const string = (): string => {
    const length = Number(until(":"));
    if (!Number.isInteger(length) || at + length > text.length)
      throw new Error(`bad string before byte ${at}`);
    at += length;
    return text.slice(at - length, at);
  };
  const value = (): Bencoded => {
    const kind = text[at];
    if (kind !== "i" && kind !== "l" && kind !== "d") return string();
    at++;
    if (kind === "i") return Number(until("e"));
    const list: Bencoded[] = [];
    const dictionary: { [key: string]: Bencoded } = {};
    while (text[at] !== "e") {
      if (kind === "l") list.push(value());
      else dictionary[string()] = value();
    }
    at++;
    return kind === "l" ? list : dictionary;
  };
  const whole = value();
  if (at !== text.length) throw new Error(`bytes after the value, from ${at} on`);
  return whole;
}
