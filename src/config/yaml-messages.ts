/** Errors of the YAML parser, in words for the operator: where the mistake is, and how to correct it. */
import type { YAMLError } from "yaml";

/** A mistake at an offset of the text. */
export interface TextMistake {
  readonly offset: number;
  readonly message: string;
}

/** An IPv6 address and port without quotes, at the start of a value. */
const BARE_ADDRESS = /(?<=[[\s,:-]\s*)\[[0-9a-f:.]*\]:\d+/i;

const QUOTED_TEXT =
  "this line has a second colon and space: put each key on a line of its own, or put the value in quotes";

/** Explains an error of the parser. */
export function explainYamlError({ code, message, pos }: YAMLError, text: string): TextMistake {
  const offset = pos[0];
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const line = text.slice(lineStart).split("\n", 1)[0];
  const address = BARE_ADDRESS.exec(line);
  if (address !== null)
    return {
      offset: lineStart + address.index,
      message: `an address in brackets needs quotes: write "${address[0]}"`,
    };
  const open = findUnclosed(text, offset);
  if (
    open !== undefined &&
    /must be sufficiently indented|expected .*to end|missing closing/i.test(message)
  ) {
    const sign = text[open];
    const end = { "[": "]", "{": "}" }[sign];
    return {
      offset: open,
      message:
        end === undefined
          ? `the quote ${sign} is not closed`
          : `the ${sign} is not closed: ${end} is missing`,
    };
  }
  const known = explainCode(code, line, text.slice(offset, offset + 1), message);
  if (known !== undefined) return { offset, message: known };
  const indentation = explainIndentation(text, lineStart, line);
  const misplaced = ["BAD_INDENT", "BLOCK_AS_IMPLICIT_KEY", "MISSING_CHAR"].includes(code);
  if (misplaced && indentation !== undefined) return indentation;
  return { offset, message: message.charAt(0).toLowerCase() + message.slice(1) };
}

function explainCode(code: string, line: string, sign: string, message: string): string | undefined {
  switch (code) {
    case "TAB_AS_INDENT":
      return "indented with a tab: use spaces";
    case "BAD_SCALAR_START":
      return `a value cannot start with ${sign}: put it in quotes`;
    case "BAD_DQ_ESCAPE":
      return `${message.replace(/^.* /, "")} means nothing in double quotes: use single quotes`;
    case "BLOCK_IN_FLOW":
    case "BAD_COLLECTION_TYPE":
      return undefined;
    case "MULTILINE_IMPLICIT_KEY":
      return `"${line.trim()}" is no key with a value: write KEY: VALUE`;
    case "UNEXPECTED_TOKEN":
      if (sign === ",") return "there is no element before this comma";
      return /^["'].*["']\S|^\S*\[.*\]\s*\S/.test(line.trim())
        ? "there is something behind the end of a value"
        : `"${line.trim()}" does not belong here: write KEY: VALUE in each line`;
    default:
      return /nested mappings are not allowed/i.test(message) ? QUOTED_TEXT : undefined;
  }
}

/** Compares the indentation of a line with that of the first line of its section or list. */
function explainIndentation(text: string, lineStart: number, line: string): TextMistake | undefined {
  const indent = indentOf(line);
  const above = text.slice(0, lineStart).split("\n").slice(0, -1);
  let first: number | undefined;
  for (let i = above.length - 1; i >= 0; i--) {
    if (/^\s*(#.*)?$/.test(above[i])) continue;
    if (indentOf(above[i]) < indent) break;
    if (indentOf(above[i]) > indent) first = i;
  }
  if (first === undefined) return undefined;
  const what = line.trim().startsWith("-") ? "the elements of a list" : "the keys of a section";
  return {
    offset: lineStart + indent,
    message:
      `this line is indented by ${spaces(indent)}, and line ${first + 1} by ${spaces(indentOf(above[first]))}: ` +
      `indent ${what} equally`,
  };
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function spaces(count: number): string {
  return count === 1 ? "1 space" : `${count} spaces`;
}

/** The offset of the innermost bracket, brace or quote before `end` that is open there. */
function findUnclosed(text: string, end: number): number | undefined {
  const open: number[] = [];
  for (let at = 0; at < end; at++) {
    const sign = text[at];
    const isAtStart = /[\s[{,:-]/.test(text[at - 1] ?? " ");
    if (sign === "#" && isAtStart) at = endOfLine(text, at);
    else if ((sign === '"' || sign === "'") && isAtStart) {
      const close = text.indexOf(sign, at + 1);
      if (close < 0 || close >= end) return at;
      at = close;
    } else if (sign === "[" || sign === "{") open.push(at);
    else if (sign === "]" || sign === "}") open.pop();
  }
  return open.at(-1);
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}
