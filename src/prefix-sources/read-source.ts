/** Reads a prefix source: bytes from a URL or a command, lines, prefixes. */
import { fetchUrl } from "./fetch-url.ts";
import { PREFIX_FORMATS } from "./formats/formats.ts";
import { PrefixCollector, type PrefixListing } from "./prefix-collector.ts";
import { runCommand } from "./run-command.ts";
import type { PrefixSourceSettings } from "./settings.ts";
import { SourceError } from "./source-error.ts";
import { textLines } from "./text-lines.ts";

/**
 * Reads a source once.
 * @param stop ends it.
 * @throws SourceError if it cannot be read or its text is refused, and the signal's reason when it is stopped.
 */
export async function readPrefixSource(
  settings: PrefixSourceSettings,
  stop?: AbortSignal,
): Promise<PrefixListing> {
  const { from, format, select, timeout, maxBytes, maxPrefixes } = settings;
  const deadline = AbortSignal.timeout(timeout * 1000);
  const signal = stop === undefined ? deadline : AbortSignal.any([stop, deadline]);
  const { accept, parser: begin } = PREFIX_FORMATS[format];
  const found = new PrefixCollector(maxPrefixes);
  const parser = begin(found, select);
  const bytes = typeof from === "string" ? fetchUrl(from, accept, signal) : runCommand(from, signal);
  try {
    let number = 0;
    for await (const lines of textLines(bytes, maxBytes)) {
      for (const line of lines) parser.line(line, ++number);
    }
    parser.end();
    return found.finish();
  } catch (error) {
    if (deadline.aborted && stop?.aborted !== true)
      throw new SourceError(`no complete answer within ${timeout} seconds`);
    throw error;
  }
}
