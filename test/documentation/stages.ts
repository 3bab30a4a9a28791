/** What is there before a page's first block: what its reader has by then. */
import type { Tool } from "../tools.ts";

interface Stage {
  /** Shell. */
  readonly before: string;
  readonly tools: readonly Tool[];
}

/** Files that configurations name, as an operator has them. */
const FILES = `
echo 10.0.0.0/8 | tee /etc/btrt/local_cidrs.conf /etc/btrt/neighboring_cidrs.conf /etc/btrt/partner_cidrs.conf > /dev/null
head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \\n' > /etc/btrt/admin_token
touch /etc/btrt/admin.crt /etc/btrt/admin.key /etc/btrt/torrents.txt
echo password_for_btrt_user > /etc/btrt/database_password
chmod -R o= /etc/btrt
`;

/** A tracker with its defaults, as "npm start" begins it. */
const TRACKER = `
btrt run --defaults > tracker.log 2>&1 &
until grep -q ready tracker.log; do sleep 0.1; done
`;

/** A MariaDB server as Debian runs it: root comes in by the socket, everybody else with a password. */
const MARIADB = `
{ mariadb-install-db --no-defaults --user=root --datadir=/var/lib/mysql
  mariadbd --no-defaults --user=root --datadir=/var/lib/mysql --socket=/run/mysqld/mysqld.sock --bind-address=127.0.0.1 &
  until mariadb -u root -e 'SELECT 1'; do sleep 0.1; done
} > mariadb.log 2>&1
`;

const STAGES: Readonly<Record<string, Stage>> = {
  "README.md": { before: TRACKER + MARIADB, tools: ["mariadb-server", "mktorrent", "aria2"] },
};

/** What a page needs. */
export function stageOf(page: string): Stage {
  const { before, tools } = STAGES[page] ?? { before: "", tools: [] };
  return { before: FILES + before, tools };
}
