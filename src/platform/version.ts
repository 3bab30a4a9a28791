import packageJson from "../../package.json" with { type: "json" };

/** Where a packaged program comes from. */
export interface Build {
  readonly version: string;
  /** The commit it was built of, shortened. */
  readonly commit: string;
  /** That commit's day, YYYY-MM-DD. */
  readonly date: string;
}

/** Put in by packaging/bundle.ts. */
declare const BTRT_BUILD: Build | undefined;

/** Undefined in a checkout, which says itself what it is. */
const BUILD = typeof BTRT_BUILD === "undefined" ? undefined : BTRT_BUILD;

/** This program's version. */
export const VERSION = BUILD?.version ?? packageJson.version;

/** The commit that it was packaged from, and its day; or that it was not. */
export const BUILD_TEXT = BUILD === undefined ? "from source" : `${BUILD.commit} of ${BUILD.date}`;
