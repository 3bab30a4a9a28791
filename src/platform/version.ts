import packageJson from "../../package.json" with { type: "json" };

/** The build of a packaged program. */
export interface Build {
  readonly version: string;
  /** The abbreviated commit. */
  readonly commit: string;
  /** The date of the commit, YYYY-MM-DD. */
  readonly date: string;
}

/** Defined by packaging/bundle.ts. */
declare const BTRT_BUILD: Build | undefined;

/** Undefined if the program runs from a checkout. */
const BUILD = typeof BTRT_BUILD === "undefined" ? undefined : BTRT_BUILD;

/** The version of the program. */
export const VERSION = BUILD?.version ?? packageJson.version;

/** Commit and date of a packaged program, or "from source". */
export const BUILD_TEXT = BUILD === undefined ? "from source" : `${BUILD.commit} of ${BUILD.date}`;
