/** The commands for the installation: `btrt init` and `btrt doctor`. */
import { type Command, Option } from "commander";
import type { DoctorOptions } from "./doctor/doctor.ts";
import type { Answers } from "./init/answers.ts";

/** The options of `btrt init`. */
type InitOptions = Omit<Partial<Answers>, "cluster"> & {
  readonly config: string;
  readonly force?: true;
  /** True: `--cluster` without nodes, which are asked for. */
  readonly cluster?: readonly string[] | true;
};

/** Adds the commands for the installation. @param result gets the exit code of the one that runs. */
export function addSetupCommands(
  program: Command,
  configOption: () => Option,
  result: { exitCode: number },
): void {
  program
    .command("init")
    .summary("write a first configuration")
    .description(
      "write a first configuration, and print the DNS records for the tracker. Without options, ask for the values on a terminal",
    )
    .option("--local <PREFIX...>", "your own network: prefixes, or a file with prefixes")
    .option("--partner <PREFIX...>", "partners' networks")
    .option("--neighbor <HOST...>", "partners' retrackers: host names, or announce URLs")
    .option("--name <NAME...>", "the names of the tracker for subscribers (retracker.local)")
    .option("--address <IP...>", "the addresses of this machine for these names")
    .option("--port <N>", "the port for HTTP announces (80)")
    .option("--database <URL>", "the database: sqlite:FILE or tcp://HOST:3306")
    .option("--database-user <USER>", "the user on a database server (btrt)")
    .option("--password-file <FILE>", "a file with the password of this user")
    .option(
      "--cluster [NODE...]",
      "write the files of all nodes of a cluster; a node is NAME=ADDRESS, or NAME=ADDRESS@SITE",
    )
    .option("--directory <DIR>", "the directory for the files of a cluster (btrt-cluster)")
    .addOption(configOption())
    .option("--force", "replace an existing configuration, and keep it as FILE.old")
    .action(async ({ config, force, cluster, directory, ...flags }: InitOptions) => {
      const { init } = await import("./init/init.ts");
      const { stdin: input, stdout: output } = process;
      const terminal = input.isTTY && output.isTTY ? { input, output } : undefined;
      const nodes = cluster === undefined ? {} : { directory: directory ?? "btrt-cluster" };
      const named = Array.isArray(cluster) ? { cluster } : {};
      result.exitCode = await init(config, { ...flags, ...nodes, ...named }, force ?? false, terminal);
    });
  program
    .command("doctor")
    .summary("check this machine")
    .description(
      "check this machine, and show a remedy for each problem: ports, addresses of UDP replies, DNS, io_uring, limits, " +
        "database, disk, clock, files and sources of the peer groups, neighbors, cluster, and counts of handshakes. It changes nothing. The exit " +
        "code is 1 if there is a problem",
    )
    .addOption(configOption())
    .addOption(
      new Option("--name <NAME...>", "the names of the tracker for subscribers").default(["retracker.local"]),
    )
    .option("--resolver <IP>", "the DNS server for the check (this machine's)")
    .option("--json", "print JSON")
    .action(async (options: { config: string } & DoctorOptions) => {
      const { doctor } = await import("./doctor/doctor.ts");
      result.exitCode = await doctor(options.config, options);
    });
}
