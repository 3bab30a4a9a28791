/** The number of cases of properties that are too slow for the unit tests with as many as they should have. */

/** Set by `test/fuzz/properties.test.ts`, which runs these properties again with all cases. */
export const ALL_CASES = "BTRT_ALL_CASES";

/** For `numRuns`. @param few of `npm run unit`. @param all of `npm run fuzz`. */
export function caseCount(few: number, all: number): number {
  return process.env[ALL_CASES] === undefined ? few : all;
}
