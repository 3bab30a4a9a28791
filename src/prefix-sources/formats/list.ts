/** A plain list: a prefix per line, `#` starts a comment. This is also the format of `cidr_file`. */
import { excerpt, SourceError } from "../source-error.ts";
import type { PrefixFormat } from "./format.ts";

/** One mistake refuses the whole text, as it may be an error page. */
export const list: PrefixFormat = {
  description: "a prefix per line, # starts a comment",
  accept: "text/plain, */*;q=0.5",
  parser: (found) => ({
    line(text, number) {
      const entry = text.split("#", 1)[0].trim();
      if (entry === "") return;
      if (found.add(entry) !== undefined)
        throw new SourceError(`line ${number}: "${excerpt(entry)}" is not a prefix`);
    },
    end() {},
  }),
};
