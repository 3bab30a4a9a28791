/**
 * Checks that README and docs name only commands, files and headings that exist. test/e2e/documentation.test.ts runs
 * their blocks.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { parseDocument, valueAt } from "../src/config/document.ts";
import { configSchema } from "../src/config/schema.ts";
import { dottedKeys } from "../src/config/schema-tree.ts";
import { ANNOUNCE_PATH } from "../src/config/sections/neighbors.ts";
import { blocksOf, PAGES, readPage } from "./support/documentation/blocks.ts";
import { checkerOf } from "./support/documentation/checkers.ts";
import { ELSEWHERE, whyNot } from "./support/documentation/elsewhere.ts";

const ROOT = join(import.meta.dirname, "..");
const KEYS = new Set(dottedKeys(configSchema));
const SECTIONS = new Set([...KEYS].map((key) => key.split(".")[0]));

/** `btrt` commands; subcommands as two words. */
const COMMANDS = new Set(
  commandsOf().flatMap((name) => [name, ...commandsOf(name).map((inner) => `${name} ${inner}`)]),
);

function commandsOf(...path: string[]): string[] {
  const help = execFileSync(process.execPath, [join(ROOT, "src/main.ts"), ...path, "--help"], {
    encoding: "utf8",
  });
  const list = help.split("\nCommands:\n")[1]?.split("\n\n")[0] ?? "";
  return [...list.matchAll(/^ {2}([a-z]\S*)/gm)].map(([, name]) => name);
}

/** The mistake in the words after `btrt`. */
function wrongCommand(words: string): string | undefined {
  const [first, second] = words.split(/[\s|>&;]+/);
  if (!/^[a-z]/.test(first)) return undefined;
  if (!COMMANDS.has(first)) return `btrt ${first}: no such command`;
  const hasInner = [...COMMANDS].some((name) => name.startsWith(`${first} `)) && first !== "help";
  return hasInner && /^[a-z]/.test(second ?? "") && !COMMANDS.has(`${first} ${second}`)
    ? `btrt ${first} ${second}: no such command`
    : undefined;
}

function scripts(): string[] {
  const { value } = Object(parseDocument(readFileSync(join(ROOT, "package.json"), "utf8"), "package.json"));
  return Object.keys(Object(valueAt(value, ["scripts"])));
}

/** All missing commands and scripts that a text names. */
function wrongNames(text: string): string[] {
  const commands = [...text.matchAll(/(?:^|(?<!service)[\s`"(])btrt +([^\n`"]+)/gm)].map(([, words]) =>
    wrongCommand(words),
  );
  const names = [...text.matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name);
  const unknown = names
    .filter((name) => !scripts().includes(name))
    .map((name) => `npm run ${name}: no such script`);
  return [...commands.filter((problem) => problem !== undefined), ...unknown];
}

test("the checks of this test see what is wrong", () => {
  assert.deepEqual(wrongNames("`btrt chek`, `btrt db opgrade`, `npm run nothing`"), [
    "btrt chek: no such command",
    "btrt db opgrade: no such command",
    "npm run nothing: no such script",
  ]);
  assert.deepEqual(wrongNames("`btrt check`, `btrt db upgrade`, `btrt --version`, `npm run types`"), []);
  assert.throws(() => blocksOf("x.md", "a\n\n    b\n"), /x\.md:3: an indented block/);
  assert.throws(() => blocksOf("x.md", "```\na\n```\n"), /x\.md:1: a block that/);
  assert.throws(
    () => checkerOf({ page: "x.md", line: 1, language: "cobol", file: undefined, text: "" }),
    /cobol/,
  );
  assert.ok(PAGES.length >= 3 && KEYS.size > 50 && COMMANDS.size > 10);
});

for (const page of PAGES) {
  test(`${page} names what there is`, () => {
    const blocks = blocksOf(page);
    for (const block of blocks) checkerOf(block);
    const prose = withoutBlocks(readPage(page));
    const shell = blocks.filter(({ language }) => language === "sh").map(({ text }) => text);
    const inline = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);
    const wrongKeys = inline
      .filter((code) => /^[a-z_]+(\.[a-z_]+)+$/.test(code) && !/\.(ts|md|conf|json|txt|csv)$/.test(code))
      .filter((code) => SECTIONS.has(code.split(".")[0]) && !KEYS.has(code))
      .map((key) => `${key}: no such key`);
    const problems = [
      ...wrongNames(inline.map((code) => `\`${code}\``).join("\n")),
      ...shell.flatMap(wrongNames),
    ];
    assert.deepEqual([...problems, ...wrongKeys, ...brokenLinks(page, prose)], []);
  });
}

test("what is run elsewhere is there, is shell, and has its reason", () => {
  const blocks = PAGES.flatMap((page) => blocksOf(page));
  for (const { page, begins, because } of ELSEWHERE) {
    const found = blocks.filter((block) => block.page === page && block.text.startsWith(begins));
    assert.equal(found.length, 1, `${page}: "${begins}"`);
    assert.ok(because.length > 10);
    assert.equal(whyNot(found[0]), because);
    const { status, stderr } = spawnSync("bash", ["-n"], { input: found[0].text, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  }
});

function withoutBlocks(markdown: string): string {
  return markdown.replaceAll(/^( *)```.*?^\1```$/gms, "");
}

/** Links to missing files, or to headings that their page does not have. */
function brokenLinks(page: string, prose: string): string[] {
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return links
    .filter((target) => !/^\w+:/.test(target))
    .filter((target) => {
      const [path, anchor] = target.split("#");
      const file = path === "" ? page : posix.join(posix.dirname(page), path);
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && !headings(readFileSync(join(ROOT, file), "utf8")).includes(anchor);
    })
    .map((target) => `${target}: leads nowhere`);
}

/** The anchors of a page's headings, as GitHub generates them. */
function headings(markdown: string): string[] {
  return [...withoutBlocks(markdown).matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
    text
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

test("the guide asks a neighbor what the program would", () => {
  assert.ok(readPage("docs/neighbors.md").includes(`"http://retracker.example${ANNOUNCE_PATH}"`));
});
