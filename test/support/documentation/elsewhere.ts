/** Shell blocks that the test cannot run, each with the reason. Their syntax and their commands are still checked. */
import type { Block } from "./blocks.ts";

interface Elsewhere {
  readonly page: string;
  /** The start of the block. */
  readonly begins: string;
  readonly because: string;
}

/** Each entry must match a block. */
export const ELSEWHERE: readonly Elsewhere[] = [
  { page: "README.md", begins: "npm ci && npm start", because: "needs the registry; CI begins with it" },
  { page: "README.md", begins: "dpkg -i", because: "needs the package; test/package installs it" },
  { page: "README.md", begins: "rpm -i", because: "needs the package; test/package installs it" },
  {
    page: "docs/package-repository.md",
    begins: "npm run package",
    because: "builds packages; test/package does it",
  },
  {
    page: "docs/package-repository.md",
    begins: "curl",
    because: "needs the repository; test/package installs from one",
  },
  { page: "docs/cluster.md", begins: "scp -r", because: "needs a second machine" },
  { page: "CONTRIBUTING.md", begins: "npm ci\n", because: "is what runs this test" },
  { page: "lab/README.md", begins: "npm run lab ", because: "takes hours; e2e/lab.test.ts runs the lab" },
];

/** Why a block is not run; undefined if it is run. */
export function whyNot({ page, text }: Block): string | undefined {
  return ELSEWHERE.find((each) => each.page === page && text.startsWith(each.begins))?.because;
}
