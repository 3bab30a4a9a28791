/** What a format of prefix sources is. */
import type { PrefixCollector } from "../prefix-collector.ts";

/** Parses one text. Both methods throw SourceError when the text is refused. */
export interface PrefixParser {
  /** Takes the next line, without its end. @param number from 1. */
  line(text: string, number: number): void;
  /** Takes the end of the text. */
  end(): void;
}

/** A format. */
export interface PrefixFormat {
  /** The text for the configuration's template, as a clause. */
  readonly description: string;
  /** The media types that a server is asked for. */
  readonly accept: string;
  /** Begins to parse a text. @param select what is used of it; empty: everything. */
  parser(found: PrefixCollector, select: readonly string[]): PrefixParser;
}
