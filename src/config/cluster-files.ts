/** Checks the contents of the files that `cluster` names. */

/** The shortest and longest secret. 32 hexadecimal digits are 128 bits. */
const SECRET = /^[\x21-\x7e]{32,200}$/;

/** The seed of a user's NKey: base32 with a checksum, which the server checks. */
const SEED = /^SU[A-Z2-7]{56}$/m;

/** @returns what is wrong with the text of `cluster.secret_file`, or undefined. */
export function wrongSecret(text: string): string | undefined {
  return SECRET.test(firstLine(text))
    ? undefined
    : "the first line must be a secret of 32 to 200 printable characters without spaces; create one with: openssl rand -hex 32";
}

/** @returns what is wrong with the text of `cluster.credentials`, or undefined. */
export function wrongCredentials(text: string): string | undefined {
  return SEED.test(text)
    ? undefined
    : 'has no seed of an NKey, a line with SU and 56 capital letters and digits; "btrt init --cluster" creates one';
}

/** @returns what is wrong with the text of `cluster.ca_file`, or undefined. */
export function wrongCa(text: string): string | undefined {
  return text.includes("-----BEGIN CERTIFICATE-----") ? undefined : "has no certificate in PEM";
}

/** The seed in the text of `cluster.credentials`, without comments; the whole text of a .creds file, which has a JWT, too. */
export function seedOf(text: string): string {
  return text.includes("BEGIN NATS USER JWT") ? text : (SEED.exec(text)?.[0] ?? "");
}

/** The secret in the text of `cluster.secret_file`. A line end does not belong to it. */
export function secretOf(text: string): Uint8Array {
  return Buffer.from(firstLine(text), "latin1");
}

function firstLine(text: string): string {
  return text.replace(/[\r\n].*/s, "").trim();
}
