/** By the language of a block: how it is run, or by which program's own checker it is checked. */
import type { Tool } from "../tools.ts";
import type { Block } from "./blocks.ts";

/** How blocks of one language are checked. */
export interface Checker {
  /** The shell command, in which `$file` is the block's file. */
  readonly command: string;
  readonly tools: readonly Tool[];
}

/** What is not here is no language of a block. */
export const CHECKERS: Readonly<Record<string, Checker>> = {
  sh: { command: 'bash -euo pipefail "$file"', tools: [] },
  // A configuration of ours.
  yaml: { command: 'btrt check --config "$file"', tools: [] },
  bind: { command: 'named-checkconf "$file"', tools: ["bind9"] },
  zone: { command: 'named-checkzone "$(sed -n "s/^\\$ORIGIN //p" "$file")" "$file"', tools: ["bind9"] },
  unbound: { command: 'unbound-checkconf "$file"', tools: ["unbound"] },
  dnsmasq: { command: 'dnsmasq --test --conf-file="$file"', tools: ["dnsmasq-base"] },
  haproxy: { command: 'haproxy -c -f "$file"', tools: ["haproxy"] },
  nginx: { command: 'nginx -t -c "$(realpath "$file")"', tools: ["nginx-light"] },
  nftables: { command: 'nft --check --file "$file"', tools: ["nftables"] },
  prometheus: { command: 'promtool check config "$file"', tools: ["prometheus"] },
  // Values that this kernel knows and takes: the sandbox has a network of its own, to which most belong.
  sysctl: {
    command: `for key in $(sed -n 's/ *=.*//p' "$file" | tr . /); do test -e "/proc/sys/$key"; done`,
    tools: [],
  },
  json: {
    command: 'node --eval "JSON.parse(fs.readFileSync(process.argv[1], \'utf8\'))" "$file"',
    tools: [],
  },
  // What cron would run, without when.
  crontab: { command: `sed -E 's/^(\\S+ ){5}//' "$file" | bash -euo pipefail`, tools: [] },
  // A drop-in, beside the package's units. systemd wants the program that they name to be there.
  systemd: {
    command: `sed 's|^ExecStart=.*|ExecStart=/bin/true|' "$BTRT/packaging/systemd/btrt.service" > /etc/systemd/system/btrt.service
cp "$BTRT/packaging/systemd/btrt.socket" /etc/systemd/system/
systemd-analyze verify --man=no /etc/systemd/system/btrt.socket 2>&1 | tee verified; test ! -s verified`,
    tools: ["systemd"],
  },
  // Output, and drawings.
  text: { command: "true", tools: [] },
};

/** The checker of a block. @throws Error when its language has none. */
export function checkerOf({ page, line, language }: Block): Checker {
  if (Object.hasOwn(CHECKERS, language)) return CHECKERS[language];
  throw new Error(
    `${page}:${line}: nothing checks "${language}": see test/support/documentation/checkers.ts`,
  );
}
