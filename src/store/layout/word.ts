/**
 * Bit fields of 32-bit words. Each file of this folder lists the fields of its words from the highest bit down, so that
 * fields cannot overlap. The checks run when the file is loaded: a layout that is too narrow stops the program at start.
 */

/** Bits of a word. */
const WORD_BITS = 32;

/** A field of a word. */
export interface BitField {
  readonly name: string;
  /** Bits to its right. */
  readonly shift: number;
  /** Its largest value. */
  readonly max: number;
  /** Its bits in the word. */
  readonly mask: number;
}

/**
 * Lays out a word.
 * @param fields the width of each field in bits, from the highest bit down.
 * @example defineWord("word A", { port: 16, identity: 1, key: 15 }).identity.shift // 15
 * @throws RangeError when the fields do not fill exactly 32 bits.
 */
export function defineWord<Name extends string>(
  word: string,
  fields: Readonly<Record<Name, number>>,
): Readonly<Record<Name, BitField>> {
  const result: Partial<Record<Name, BitField>> = {};
  let shift = WORD_BITS;
  for (const name in fields) {
    const bits = fields[name];
    shift -= bits;
    const max = 2 ** bits - 1;
    if (bits < 1 || shift < 0) throw new RangeError(`${word}: the fields take more than ${WORD_BITS} bits`);
    result[name] = { name: `${word}, ${name}`, shift, max, mask: (max << shift) | 0 };
  }
  if (shift !== 0) throw new RangeError(`${word}: ${shift} bits belong to no field`);
  return result as Record<Name, BitField>;
}

/** Checks that a field is wide enough. @param most the largest value that is written to it. @throws RangeError */
export function checkFits(field: BitField, most: number): void {
  if (!(most <= field.max)) throw new RangeError(`${field.name}: ${most} is more than ${field.max}`);
}

/**
 * Checks that the words of a record follow each other without overlap.
 * @param fields the first word and the number of words of each field, in order.
 * @throws RangeError
 */
export function checkWords(
  record: string,
  words: number,
  fields: Readonly<Record<string, readonly [at: number, count: number]>>,
): void {
  let next = 0;
  for (const [name, [at, count]] of Object.entries(fields)) {
    if (at !== next) throw new RangeError(`${record}, ${name}: begins at word ${at} and not ${next}`);
    next = at + count;
  }
  if (next !== words) throw new RangeError(`${record}: the fields take ${next} words, and not ${words}`);
}

/** Copies words from one place to another. A loop is faster than `copyWithin` for the few words of a record. */
export function copyWords(
  from: Uint32Array,
  source: number,
  to: Uint32Array,
  target: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) to[target + i] = from[source + i];
}

/** Moves words up by so many places. What they overwrite there may be of their own. */
export function moveWordsUp(words: Uint32Array, at: number, count: number, by: number): void {
  for (let i = at + count - 1; i >= at; i--) words[i + by] = words[i];
}

/** Whether words in one place equal those in another. */
export function equalWords(a: Uint32Array, at: number, b: Uint32Array, bAt: number, count: number): boolean {
  let same = 0;
  while (same < count && a[at + same] === b[bAt + same]) same++;
  return same === count;
}
