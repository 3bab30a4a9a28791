/**
 * Building blocks of the configuration's schema. Each has its own error message, which says what the key accepts. A
 * section or list without a value (`logging:` with everything under it commented out) is treated as missing.
 */
import { z } from "zod";
import type { Prefix } from "../network/prefix.ts";
import { parseListenAddress } from "./listen-address.ts";
import { quote } from "./problem.ts";
import { readPrefix } from "./read-prefix.ts";

/** An integer from `min` to `max`. */
export function integer(min: number, max: number) {
  const error = expected(`a whole number from ${min} to ${max}`, numberHint);
  // Not z.int: when it rejects a fraction, the rules of the enclosing sections do not run.
  return z.number({ error }).min(min, { error }).max(max, { error }).multipleOf(1, { error });
}

/** A number from `min` to `max`, with fractions. */
export function fraction(min: number, max: number) {
  const error = expected(`a number from ${min} to ${max}`);
  return z.number({ error }).min(min, { error }).max(max, { error });
}

/** A number of seconds from `min` to `max`, with fractions. */
export function seconds(min: number, max: number) {
  const error = expected(`a number of seconds from ${min} to ${max}`, numberHint);
  return z.number({ error }).min(min, { error }).max(max, { error });
}

/** `true` or `false`. */
export function flag() {
  return z.boolean({ error: expected("true or false") });
}

/** Text of 1 to 4096 characters. The message does not repeat the value, which may be a secret. */
export function text() {
  const error = ({ input }: { input?: unknown }) =>
    missing(input) ??
    "must be text of 1 to 4096 characters; quote it if it looks like a number or true or false";
  return z.string({ error }).min(1, { error }).max(4096, { error });
}

/** The path of a file or directory. Relative paths start at the configuration file's directory. */
export const filePath = text();

/** One of several words. */
export function choice<const Words extends readonly string[]>(words: Words) {
  return z.enum(words, { error: expected(`one of ${words.join(", ")}`) });
}

/** `auto`, or an integer from `min` to `max`. */
export function autoOr(min: number, max: number) {
  const error = expected(`auto or a whole number from ${min} to ${max}`, numberHint);
  return z.union([z.literal("auto"), z.int().min(min, { error }).max(max, { error })], { error });
}

/** A key without a value is null, which is the default. */
export function optional<Field extends z.ZodType>(field: Field) {
  return field.nullable().default(null);
}

/** Named keys; unknown ones are errors. Rules are created by {@link rule}. */
export function keys<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  ...rules: z.core.$ZodCheck<z.output<z.ZodObject<Shape, z.core.$strict>>>[]
) {
  return z
    .strictObject(shape, { error: expected('keys with their values ("key: value" in each line)') })
    .check(...rules);
}

/** {@link keys} that are all optional; the section may be missing or empty. */
export function section<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  ...rules: z.core.$ZodCheck<z.output<z.ZodObject<Shape, z.core.$strict>>>[]
) {
  return z.preprocess((value) => value ?? {}, keys(shape, ...rules)).prefault({});
}

/** A list of at most `max` elements. */
export function list<Element extends z.ZodType>(
  element: Element,
  max: number,
  byDefault: readonly z.input<Element>[] = [],
) {
  const error = expected('a list ("- " before each element, or [ ] around them)', listHint);
  const array = z.array(element, { error }).max(max, { error: `has more than ${max} elements` });
  return z.preprocess((value) => value ?? byDefault, array).prefault([...byDefault]);
}

/** An IP prefix. Host bits are cleared. */
export const prefix = shortText('a prefix such as "192.0.2.0/24"').transform((value, context): Prefix => {
  const { prefix, error } = readPrefix(value);
  if (prefix !== undefined) return prefix;
  context.addIssue({ code: "custom", message: error });
  return z.NEVER;
});

/**
 * A list of prefixes. Elements without a value are skipped: the original's template has `cidr_list:` with a lone `-`.
 */
export function prefixes(max: number) {
  const present = (elements: (Prefix | null)[]) => elements.filter((element) => element !== null);
  return list(prefix.nullable(), max).transform(present);
}

/** An address to listen on. */
export const listenAddress = shortText(
  'an address and port such as "[::]:6969" or "127.0.0.1:6969"',
  listenHint,
).transform((value, context) => {
  try {
    return parseListenAddress(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
    return z.NEVER;
  }
});

/** A local time of day, `HH:MM:SS`. */
export function timeOfDay() {
  const error = expected('a time of day from "00:00:00" to "23:59:59"');
  return z.string({ error }).regex(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/, { error });
}

/**
 * A rule across keys of one section, for {@link keys}. It runs if each of these keys is valid by itself, whatever else
 * is wrong. The problem is reported at the first of the keys that the file sets.
 * @param wrong returns the problem of the first key, or undefined.
 */
export function rule<Value extends object>(
  names: readonly (keyof Value & string)[],
  wrong: (value: Value) => string | undefined,
) {
  return z.superRefine<Value>(
    (value, context) => {
      const message = wrong(value);
      if (message === undefined) return;
      context.addIssue({ code: "custom", path: [names[0]], params: { names }, message });
    },
    {
      when: ({ issues }) =>
        issues.every(({ code, path = [] }) =>
          path.length === 0 ? code === "unrecognized_keys" : !names.some((name) => name === path[0]),
        ),
    },
  );
}

function shortText(what: string, hint?: Hint) {
  const error = expected(what, hint);
  return z.string({ error }).max(100, { error });
}

/** What a value of the wrong kind should probably be; undefined if that is not known. */
type Hint = (input: unknown) => string | undefined;

/** The message for a value of the wrong kind. */
export function expected(what: string, hint?: Hint): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => {
    const advice = hint?.(input);
    return (
      missing(input) ??
      `must be ${what}, not ${show(input)}${advice === undefined ? "" : `; write ${advice}`}`
    );
  };
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

/** Numbers in quotes, with separators, or with a unit of time. */
const numberHint: Hint = (input) => {
  if (typeof input !== "string") return undefined;
  if (/^\d{1,3}([._ ,']\d{3})+$/.test(input)) return input.replaceAll(/\D/g, "");
  const [, digits, unit] = /^(\d{1,9}) ?(s|m|min|h|d)?$/.exec(input) ?? [];
  if (digits === undefined) return undefined;
  return unit === undefined ? `${digits}, without quotes` : `${Number(digits) * SECONDS[unit]}, in seconds`;
};

/** The elements of a list as one text. */
function listHint(input: unknown): string | undefined {
  if (typeof input !== "string" || input.length > 100) return undefined;
  const elements = input.split(/[\s,]+/).filter((element) => element !== "");
  return `[${elements.map((element) => JSON.stringify(element)).join(", ")}]`;
}

/** A port alone, and an address in brackets without quotes, which YAML reads as lists and keys. */
function listenHint(input: unknown): string | undefined {
  if (typeof input === "number") return `"127.0.0.1:${input}" or "[::]:${input}"`;
  return typeof input === "object" && input !== null ? "it in quotes" : undefined;
}

function missing(input: unknown): string | undefined {
  if (input === undefined) return "is missing";
  if (input === null) return "has no value: set one, or remove the key";
  return undefined;
}

function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "keys with values";
  return typeof value === "string" ? quote(value) : String(value);
}
