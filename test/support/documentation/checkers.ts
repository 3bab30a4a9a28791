/** How the blocks of each language are run or checked: by the program that reads them. */
import type { Tool } from "../tools.ts";
import type { Block } from "./blocks.ts";

/** The check of one language's blocks. */
export interface Checker {
  /** The shell command, in which `$file` is the block's file. */
  readonly command: string;
  readonly tools: readonly Tool[];
}

/** All languages of blocks. Others are mistakes. */
export const CHECKERS: Readonly<Record<string, Checker>> = {
  sh: { command: 'bash -euo pipefail "$file"', tools: [] },
  // A configuration of BTRT.
  yaml: { command: 'btrt check --config "$file"', tools: [] },
  bind: { command: 'named-checkconf "$file"', tools: ["bind9"] },
  zone: { command: 'named-checkzone "$(sed -n "s/^\\$ORIGIN //p" "$file")" "$file"', tools: ["bind9"] },
  unbound: { command: 'unbound-checkconf "$file"', tools: ["unbound"] },
  dnsmasq: { command: 'dnsmasq --test --conf-file="$file"', tools: ["dnsmasq-base"] },
  // It reports mistakes on standard error, and ends itself by a signal without systemd.
  keepalived: {
    command: `test -z "$(setsid -w keepalived --config-test --use-file="$(realpath "$file")" 2>&1 | grep -v '^Terminated')"`,
    tools: ["keepalived"],
  },
  bird: { command: 'bird -p -c "$(realpath "$file")"', tools: ["bird2"] },
  haproxy: { command: 'haproxy -c -f "$file"', tools: ["haproxy"] },
  nginx: { command: 'nginx -t -c "$(realpath "$file")"', tools: ["nginx-light"] },
  nftables: { command: 'nft --check --file "$file"', tools: ["nftables"] },
  prometheus: { command: 'promtool check config "$file"', tools: ["prometheus"] },
  // Values that this kernel accepts. The sandbox has its own network, to which most of them belong.
  sysctl: {
    command: `for key in $(sed -n 's/ *=.*//p' "$file" | tr . /); do test -e "/proc/sys/$key"; done`,
    tools: [],
  },
  json: {
    command: 'node --eval "JSON.parse(fs.readFileSync(process.argv[1], \'utf8\'))" "$file"',
    tools: [],
  },
  // The command that cron would run, without its time.
  crontab: { command: `sed -E 's/^(\\S+ ){5}//' "$file" | bash -euo pipefail`, tools: [] },
  // A drop-in, beside the package's units. systemd requires the program that they name.
  systemd: {
    command: `sed 's|^ExecStart=.*|ExecStart=/bin/true|' "$BTRT/packaging/systemd/btrt.service" > /etc/systemd/system/btrt.service
cp "$BTRT/packaging/systemd/btrt.socket" /etc/systemd/system/
systemd-analyze verify --man=no /etc/systemd/system/btrt.socket 2>&1 | tee verified; test ! -s verified`,
    tools: ["systemd"],
  },
  // Output, and drawings.
  text: { command: "true", tools: [] },
};

/** The checker of a block. @throws Error if its language has none. */
export function checkerOf({ page, line, language }: Block): Checker {
  if (Object.hasOwn(CHECKERS, language)) return CHECKERS[language];
  throw new Error(
    `${page}:${line}: nothing checks "${language}": see test/support/documentation/checkers.ts`,
  );
}
