/** What configuration, commands and storage need to know of a kind of database before one is open. */
import type { Database } from "./database.ts";
import type { Migrations } from "./schema.ts";

/** The configuration's `database`. */
export interface DatabaseSettings {
  /** In one of the forms of {@link DatabaseKind.urlForms}, checked by the configuration. */
  readonly url: string;
  readonly user: string;
  readonly password: string | null;
  readonly schema: string;
  /** Whether to speak TLS, and to verify the server's certificate. */
  readonly tls: boolean;
  /** A file with the CA certificate that signed the server's (PEM); null: the CAs that Node.js trusts. */
  readonly tlsCa: string | null;
}

/**
 * A kind of database. Each is one folder, which exports one such object, and one line in `databases.ts`: checks of the
 * configuration, `btrt db`, `btrt init` and `btrt doctor` follow from that. The objects load no driver.
 */
export interface DatabaseKind {
  /** The forms of its URLs, for messages. Each begins with a scheme that no other kind has. */
  readonly urlForms: readonly string[];
  /** Matches a whole URL. */
  readonly urlPattern: RegExp;
  /** A part of a sentence for the configuration's template and the manual page. */
  readonly description: string;
  /** The URL that `btrt init` suggests, and what it is for. */
  readonly suggestion: string;
  readonly migrations: Migrations;
  /** What it can do because it is a file of this machine; undefined for a server, which has a user and a password. */
  readonly embedded: EmbeddedDatabase | undefined;
  /** Opens the database, and loads its driver first. @throws DatabaseError */
  open(settings: DatabaseSettings): Promise<Database>;
}

/**
 * A database in a file of the tracker's own. Its schema is always made and upgraded at start, and the tracker replaces
 * the file when it is damaged or missing.
 */
export interface EmbeddedDatabase {
  /** The path of the file. */
  fileOf(url: string): string;
  /** Checks whether the file could be made where there is none. @throws DatabaseError */
  tryPlace(file: string): Promise<void>;
  loadRepair(): Promise<FileRepair>;
}

/** Replaces the file of an embedded database. Every method throws DatabaseError, and nothing is renamed then. */
export interface FileRepair {
  /** Makes a new file with the readable rows of a damaged one. No process may have it open. */
  replaceDamaged(file: string, stamp: string): Promise<Replaced>;
  /** Makes a new file with all that an open database has, whose own file is not in its place any more. */
  replaceMoved(open: Database, stamp: string): Promise<Replaced>;
  /** Copies an open database to a new file beside it, and opens the copy. */
  copyBeside(open: Database, stamp: string): Promise<Database>;
}

/** How many rows were copied. */
export interface CopyCounts {
  swarms: number;
  totals: number;
}

/** A file was replaced. The counts are of the rows that the new file has from the old one. */
export interface Replacement extends CopyCounts {
  /** Whether these are all rows of the old file, as far as is known. */
  readonly isWhole: boolean;
  /** The new path of the old file, or null when there was none. */
  readonly keptAs: string | null;
}

/** The new file, open and not claimed yet. */
export interface Replaced {
  readonly replacement: Replacement;
  readonly database: Database;
}
