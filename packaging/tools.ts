/** The programs that build the packages. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program, and the packages of Debian and Red Hat that have it. */
interface Tool {
  readonly program: string;
  readonly from: string;
}

const BOTH: readonly Tool[] = [
  { program: "git", from: "git" },
  { program: "strip", from: "binutils" },
];

const TOOLS = {
  deb: [...BOTH, { program: "dpkg-deb", from: "dpkg" }],
  rpm: [...BOTH, { program: "rpmbuild", from: "rpm (Debian) or rpm-build (Red Hat)" }],
} as const satisfies Record<string, readonly Tool[]>;

/** A kind of package. */
export type PackageKind = keyof typeof TOOLS;

/** Whether packages of a kind can be built by this program. */
export function isKind(name: string): name is PackageKind {
  return Object.hasOwn(TOOLS, name);
}

/** The programs that a kind of package needs and this machine lacks. */
export function missingTools(kind: PackageKind): readonly Tool[] {
  return TOOLS[kind].filter(({ program }) => !isInstalled(program));
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
