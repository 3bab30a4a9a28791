/** Serves the hash list to DPI boxes, routers and `btrt hashlist`. */
import { z } from "zod";
import { DRY_RUN_FORMATS, FORMATS, HASH_LIST_FORMATS } from "../hash-list/formats/formats.ts";
import { ApiError } from "./api-error.ts";
import type { Sources } from "./sources.ts";

/** The query of `/api/v1/hashlist`. */
export const hashListQuerySchema = z.object({
  format: z.enum(HASH_LIST_FORMATS).default("text").describe("The format of the list."),
});

/** The media types of all formats. */
export const HASH_LIST_TYPES: readonly string[] = [
  ...new Set(HASH_LIST_FORMATS.map((format) => FORMATS[format].mediaType)),
];

/**
 * Answers with the current list, or with 304 when the client already has it (RFC 9110, 13.1.2).
 * @throws ApiError
 */
export async function answerHashList(
  { hashList }: Pick<Sources, "hashList">,
  { format }: z.output<typeof hashListQuerySchema>,
  request: Request,
): Promise<Response> {
  if (hashList.isDryRun && !FORMATS[format].availableInDryRun)
    throw new ApiError(409, `hashlist.dry_run is on: the list is only given out as ${DRY_RUN_FORMATS}`);
  const { bytes, sha256, changedAt, validUntil } = await hashList.encode(format);
  if (Date.now() >= validUntil) throw new ApiError(503, "no valid list is available");
  const etag = `"${sha256}"`;
  const headers = {
    "Content-Type": FORMATS[format].mediaType,
    ETag: etag,
    "Last-Modified": new Date(changedAt).toUTCString(),
    // A cached list must be revalidated before each use, and must not be used after Expires.
    "Cache-Control": "no-cache",
    Expires: new Date(validUntil).toUTCString(),
  };
  return isNamed(etag, request.headers.get("If-None-Match"))
    ? new Response(null, { status: 304, headers })
    : new Response(bytes, { headers });
}

/** Whether an entity tag is in the list of an If-None-Match; by weak comparison, as what is compressed has a weak one. */
function isNamed(etag: string, ifNoneMatch: string | null): boolean {
  return (
    ifNoneMatch?.trim() === "*" || (ifNoneMatch?.match(/"[^"]*"/g)?.some((tag) => tag === etag) ?? false)
  );
}
