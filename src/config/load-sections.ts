/** Loads some sections of a configuration, whatever mistakes the others have. */
import { CONFIG_BYTES, type LoadResult, loadConfig } from "./load.ts";
import { FileError, type ReadFile, readFromDisk, readText } from "./read-file.ts";

/** Loads the named sections with the files that they name. All others have their defaults. Never throws. */
export async function loadSections(
  configFile: string,
  names: readonly string[],
  read: ReadFile = readFromDisk,
): Promise<LoadResult> {
  const source = { configFile };
  let text: string;
  try {
    text = await readText(configFile, CONFIG_BYTES, read);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return await loadConfig(source, read);
  }
  const kept = Buffer.from(keepSections(text, names));
  const readKept: ReadFile = (path) => (path === configFile ? bytesOf(kept) : read(path));
  // A document such as { "admin": {} } has no lines of its own for a section.
  const isInLines = /^[\w"']+\s*:/m.test(text);
  return await loadConfig(source, isInLines ? readKept : read);
}

/**
 * Makes all lines empty but those of the named sections, so that these keep their positions. A section is a line that
 * begins with its name, and the following lines that are indented.
 */
function keepSections(text: string, names: readonly string[]): string {
  let isKept = false;
  return text
    .split("\n")
    .map((line) => {
      const [, name] = /^["']?(\w+)["']?\s*:/.exec(line) ?? [];
      if (name !== undefined) isKept = names.includes(name);
      else if (/^[^\s#\]}]/.test(line)) isKept = false;
      return isKept ? line : "";
    })
    .join("\n");
}

async function* bytesOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
