/**
 * Runs a program to which the kernel refuses io_uring, like the default profile of container engines: system calls 425,
 * 426 and 427 fail with EPERM. See seccomp(2), prctl(2), struct sock_fprog in linux/filter.h.
 */
import koffi from "koffi";

const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;

const BPF = { loadWord: 0x20, jumpIfAtLeast: 0x35, jumpIfGreater: 0x25, return: 0x06 } as const;
const ALLOW = 0x7fff0000;
const EPERM = 0x00050000 | 1;

/** Each instruction: the operation, the jumps if true and if false, and the operand. */
const PROGRAM = [
  [BPF.loadWord, 0, 0, 0],
  [BPF.jumpIfAtLeast, 0, 2, 425],
  [BPF.jumpIfGreater, 1, 0, 427],
  [BPF.return, 0, 0, EPERM],
  [BPF.return, 0, 0, ALLOW],
] as const;

const filters = Buffer.alloc(PROGRAM.length * 8);
for (const [i, [code, ifTrue, ifFalse, value]] of PROGRAM.entries()) {
  filters.writeUInt16LE(code, i * 8);
  filters.set([ifTrue, ifFalse], i * 8 + 2);
  filters.writeUInt32LE(value, i * 8 + 4);
}
const program = Buffer.alloc(16);
program.writeUInt16LE(PROGRAM.length);
program.writeBigUInt64LE(koffi.address(filters), 8);

const prctl: (option: number, argument: number, pointer: Buffer | null, a: number, b: number) => number =
  koffi.load(null).func("int prctl(int option, uint64_t argument, void *pointer, uint64_t a, uint64_t b)");
if (prctl(PR_SET_NO_NEW_PRIVS, 1, null, 0, 0) !== 0) throw new Error("prctl: PR_SET_NO_NEW_PRIVS");
if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) !== 0) throw new Error("prctl: PR_SET_SECCOMP");

const [, , executable, ...parameters] = process.argv;
process.execve?.(executable, [executable, ...parameters], process.env);
