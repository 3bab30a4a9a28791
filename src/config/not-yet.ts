/** Which keys are understood, and checked, but do nothing yet. A feature that arrives takes its line out. */
import { valueAt } from "./document.ts";

interface NotYet {
  /** Of a value, or of a section as a whole. */
  readonly key: string;
  /** Values that ask for nothing which is not there. */
  readonly unless?: readonly unknown[];
}

const NOT_YET: readonly NotYet[] = [];

/** The dotted keys that a document sets, and whose feature is not there yet. */
export function notYetKeys(document: unknown): string[] {
  return NOT_YET.filter(({ key, unless = [] }) => {
    const value = valueAt(document, key.split("."));
    return !isEmpty(value) && !unless.includes(value);
  }).map(({ key }) => key);
}

/** Whether a key, or the section that is a feature of its own, does nothing yet whatever its value. */
export function isNotYet(dottedKey: string): boolean {
  return NOT_YET.some(({ key, unless }) => key === dottedKey && unless === undefined);
}

/** What a key's description must add in this version; empty when all of it is there. */
export function notYetRemark(dottedKey: string): string {
  const entry = NOT_YET.find(({ key }) => key === dottedKey);
  if (entry === undefined) return "";
  if (entry.unless === undefined) return "Not in this version yet.";
  return `In this version only ${entry.unless.map((value) => JSON.stringify(value)).join(" or ")}.`;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}
