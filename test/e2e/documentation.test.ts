/**
 * Runs or checks every block of README and docs as it is written: commands are executed, configurations are checked by
 * the program that reads them. Blocks that cannot be run here are in documentation/elsewhere.ts.
 */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { describe, test } from "node:test";
import { Bed } from "../support/bed.ts";
import { type Block, blocksOf, PAGES } from "../support/documentation/blocks.ts";
import { checkerOf } from "../support/documentation/checkers.ts";
import { whyNot } from "../support/documentation/elsewhere.ts";
import { runInSandbox } from "../support/documentation/sandbox.ts";
import { stageOf } from "../support/documentation/stages.ts";
import { namespacesMissing } from "../support/networks.ts";
import { toolsMissing } from "../support/tools.ts";

describe("README and docs", { concurrency: 2 }, () => {
  for (const page of PAGES) tryPage(page);
});

function tryPage(page: string): void {
  const blocks = blocksOf(page).filter(({ language }) => language !== "text");
  const here = blocks.filter((block) => whyNot(block) === undefined);
  if (here.length === 0) return;
  const { before, tools } = stageOf(page);
  const missing = toolsMissing([...new Set([...tools, ...here.flatMap((block) => checkerOf(block).tools)])]);
  test(`${page}: ${here.length} of ${blocks.length} blocks are tried`, {
    skip: missing || namespacesMissing(),
    timeout: 300_000,
  }, async (t) => {
    const bed = await Bed.open(t);
    const [stage, ...outcomes] = await runInSandbox(bed, [before, ...here.map(toScript)]);
    assert.equal(stage.code, 0, stage.output);
    for (const [i, { line, language }] of here.entries()) {
      await t.test(`line ${line}, ${language}`, () => {
        assert.equal(outcomes[i].code, 0, `\n${here[i].text}\n${outcomes[i].output}`);
      });
    }
    for (const block of blocks) {
      const because = whyNot(block);
      if (because !== undefined) t.diagnostic(`${page}:${block.line} is not tried: ${because}`);
    }
  });
}

/** Writes a block to its file, and runs or checks it. */
function toScript(block: Block): string {
  const file = block.file ?? `block-${block.line}.conf`;
  return `set -euo pipefail
mkdir -p '${dirname(file)}'
file='${file}'
printf %s ${quote(block.text)} > "$file"
${checkerOf(block).command}
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
