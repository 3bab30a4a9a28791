/** The programs that build the packages. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program, and the packages of Debian and Red Hat that have it. */
export interface Tool {
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

const GPG: Tool = { program: "gpg", from: "gnupg (Debian) or gnupg2 (Red Hat)" };

/** What a repository of each kind needs besides. */
const REPOSITORY_TOOLS = {
  deb: [GPG, { program: "apt-ftparchive", from: "apt-utils" }],
  rpm: [
    GPG,
    { program: "createrepo_c", from: "createrepo-c (Debian) or createrepo_c (Red Hat)" },
    { program: "rpmsign", from: "rpm (Debian) or rpm-sign (Red Hat)" },
  ],
} as const satisfies Record<string, readonly Tool[]>;

/** A kind of package. */
export type PackageKind = keyof typeof TOOLS;

/** Whether packages of a kind can be built by this program. */
export function isKind(name: string): name is PackageKind {
  return Object.hasOwn(TOOLS, name);
}

/** The programs that a kind of package needs and this machine lacks. */
export function missingTools(kind: PackageKind): readonly Tool[] {
  return TOOLS[kind].filter(({ program }) => findProgram(program) === undefined);
}

/** The programs that a repository of a kind of packages needs and this machine lacks. */
export function missingRepositoryTools(kind: PackageKind): readonly Tool[] {
  return REPOSITORY_TOOLS[kind].filter(({ program }) => findProgram(program) === undefined);
}

/** The path of a program; undefined if it is not installed. */
export function findProgram(name: string): string | undefined {
  const paths = (process.env.PATH ?? "").split(delimiter).map((directory) => join(directory, name));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
