/** The commands of `btrt`: from arguments to an exit code. */
import { Argument, Command, CommanderError, Option } from "commander";
import { CONFIG_FILE } from "../config/config-file.ts";
import type { ConfigSource } from "../config/load.ts";
import { HASH_LIST_FORMATS } from "../hash-list/formats/formats.ts";
import { BUILD_TEXT, VERSION } from "../platform/version.ts";
import type { Shell } from "./completion/scripts.ts";
import type { DatabaseCommand } from "./database.ts";
import type { GateOptions } from "./gate.ts";
import type { HashListOptions } from "./hash-list.ts";
import type { NftablesOptions } from "./nftables.ts";
import { print, printError } from "./output.ts";
import { addReportCommands } from "./report-commands.ts";
import { addSetupCommands } from "./setup-commands.ts";

const EXAMPLES = `  btrt init                           write a first configuration, from questions
  btrt run --defaults                 run the tracker without a configuration
  btrt config > ${CONFIG_FILE}   write the commented default configuration
  btrt check                          check the configuration
  btrt run --config ./btrt.conf       run the tracker with another configuration
  btrt doctor                         check this machine
  btrt db status                      show what the database contains
  btrt status --watch                 show what the running tracker does
  btrt neighbors                      show the state of partners' retrackers
  btrt cluster                        show all nodes of the cluster
  btrt alert --test                   send a test message over the channels of alerts
  btrt report --month 2026-11         write the report of a month, as HTML
  btrt explain --help                 show which peers an address gets, and why
  btrt hashlist --output FILE         write the torrents fully available inside the network
  btrt nftables | less                show the rules with which a Linux router uses the hash list
  btrt gate --follow                  hold the gate on this router, beside the tracker
  btrt completion bash                write the completions for a shell
  btrt man btrt.conf                  write a manual page
  btrt version                        show the version
  btrt help run                       show the options of a command`;

const HELP_FOOTER = `
Configuration: ${CONFIG_FILE}, or the file in --config.

Examples:
${EXAMPLES}`;

/** Runs the tracker until it is stopped. @returns the exit code. */
export type Run = (source: ConfigSource) => Promise<number>;

/**
 * Executes a command line. Never throws for mistakes of the user: these are one line on standard error.
 * @param argv the arguments, without the program's name.
 * @param run the `run` command, passed in so that the other commands need not load it.
 * @returns the exit code: 0, or 1 for any problem.
 */
export async function runCommandLine(argv: readonly string[], run: Run): Promise<number> {
  const result = { exitCode: 0, help: "" };
  try {
    await buildProgram(run, result).parseAsync(argv.length === 0 ? ["help"] : argv, { from: "user" });
    return result.exitCode;
  } catch (error) {
    // Commander throws this at every end, also after it has shown its help.
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return await print(result.help);
    printError(`btrt: ${explain(error, argv)}`);
    return 1;
  }
}

/** Each command imports its own modules, so that help and error messages are fast. */
function buildProgram(run: Run, result: { exitCode: number; help: string }): Command {
  const program = new Command("btrt")
    .description("A BitTorrent tracker that returns the peers nearest to the network first.")
    .usage("COMMAND [OPTIONS]")
    .version(VERSION, "--version", "show the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [COMMAND]", "show this help, or the help of a command")
    .addHelpText("after", HELP_FOOTER)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        result.help += text;
      },
      writeErr: () => {},
    });
  const configOption = () => new Option("--config <FILE>", "the configuration").default(CONFIG_FILE);
  program
    .command("run")
    .summary("run the tracker")
    .description(
      "run the tracker in the foreground. SIGHUP reads the configuration again. SIGTERM and SIGINT stop the tracker",
    )
    .addOption(configOption())
    .addOption(new Option("--defaults", "run with the default configuration").conflicts("config"))
    .action(async (options: { config: string; defaults?: true }) => {
      result.exitCode = await run(options.defaults ? { defaults: true } : { configFile: options.config });
    });
  program
    .command("check")
    .summary("check the configuration")
    .description("report all mistakes in the configuration, or show a summary of it")
    .addOption(configOption())
    .option("--database", "also check whether this version can use the database")
    .option("--sources", "also read the sources of peer groups, and show their prefixes")
    .action(async (options: { config: string; database?: true; sources?: true }) => {
      const { check } = await import("./check.ts");
      const { config, database = false, sources = false } = options;
      result.exitCode = await check(config, { database, sources });
    });
  program
    .command("config")
    .description("write the commented default configuration to standard output")
    .action(async () => {
      const { configTemplate } = await import("../config/template.ts");
      result.exitCode = await print(configTemplate());
    });
  addSetupCommands(program, configOption, result);
  addDatabaseCommands(program, configOption, result);
  addAdminCommands(program, configOption, result);
  addClusterCommand(program, configOption, result);
  addReportCommands(program, configOption, result);
  addHashListCommands(program, configOption, result);
  addGateCommand(program, configOption, result);
  program
    .command("version")
    .summary("show the version")
    .description("show the version, and the commit of the package")
    .action(async () => {
      result.exitCode = await print(
        `btrt ${VERSION} (${BUILD_TEXT}; Node.js ${process.versions.node}, ${process.platform} ${process.arch})\n`,
      );
    });
  addPackagingCommands(program, result);
  return program;
}

/** Commands that write further files of a package, from the definitions of all commands. */
function addPackagingCommands(program: Command, result: { exitCode: number }): void {
  program
    .command("completion")
    .description("write the completions for a shell to standard output")
    .addArgument(new Argument("<SHELL>", "the shell").choices(["bash", "zsh", "fish"] satisfies Shell[]))
    .action(async (shell: Shell) => {
      const { completionScript } = await import("./completion/scripts.ts");
      result.exitCode = await print(completionScript(shell, program));
    });
  program
    .command("man")
    .description("write a manual page to standard output, in the format of man(7)")
    .addArgument(new Argument("<PAGE>", "the page").choices(["btrt", "btrt.conf"]))
    .action(async (name: string) => {
      const { commandPage } = await import("./manual/command-page.ts");
      const { configPage } = await import("./manual/config-page.ts");
      result.exitCode = await print(name === "btrt" ? commandPage(program, EXAMPLES) : configPage());
    });
}

function defaults(): Option {
  return new Option("--defaults", "query a tracker that runs with --defaults").conflicts("config");
}

function fileOf(options: { config: string; defaults?: true }): string | undefined {
  return options.defaults ? undefined : options.config;
}

/** The command about the other nodes. */
function addClusterCommand(program: Command, configOption: () => Option, result: { exitCode: number }): void {
  program
    .command("cluster")
    .summary("show all nodes of the cluster")
    .description(
      "show all nodes of the cluster as this tracker sees them, what it exchanges with them, and the figures of all together",
    )
    .addOption(configOption())
    .addOption(defaults())
    .option("--json", "print JSON")
    .action(async (options: { config: string; defaults?: true; json?: true }) => {
      const { cluster } = await import("./cluster.ts");
      result.exitCode = await cluster(fileOf(options), options.json ?? false);
    });
}

/** Commands that query the running tracker. */
function addAdminCommands(program: Command, configOption: () => Option, result: { exitCode: number }): void {
  program
    .command("status")
    .summary("show what the running tracker does")
    .description(
      "show what the running tracker does, how many peers and torrents it has, and how much traffic it saves",
    )
    .addOption(configOption())
    .addOption(defaults())
    .option("--json", "print JSON")
    .option("--watch", "repeat every second, until interrupted")
    .action(async (options: { config: string; defaults?: true; json?: true; watch?: true }) => {
      const { status } = await import("./status.ts");
      result.exitCode = await status(fileOf(options), {
        json: options.json ?? false,
        watch: options.watch ?? false,
      });
    });
  program
    .command("neighbors")
    .summary("show the state of partners' retrackers")
    .description(
      "show for each neighbor its state, the torrents it was queried about, the peers learned, its share of returned peers, " +
        "and its latency",
    )
    .addOption(configOption())
    .addOption(defaults())
    .option("--json", "print JSON")
    .action(async (options: { config: string; defaults?: true; json?: true }) => {
      const { neighbors } = await import("./neighbors.ts");
      result.exitCode = await neighbors(fileOf(options), options.json ?? false);
    });
  program
    .command("explain")
    .summary("show which peers an address gets, and why")
    .description(
      "show the answer that an address would get now, and why other peers are left out. It changes nothing",
    )
    .requiredOption("--info-hash <HASH>", "the torrent, 40 hexadecimal digits")
    .requiredOption("--address <IP>", "the address of the client")
    .option("--numwant <N>", "the number of peers that the client requests")
    .addOption(configOption())
    .addOption(defaults())
    .option("--json", "print JSON")
    .action(
      async (options: {
        config: string;
        defaults?: true;
        infoHash: string;
        address: string;
        numwant?: string;
        json?: true;
      }) => {
        const { explain } = await import("./explain.ts");
        result.exitCode = await explain(fileOf(options), options);
      },
    );
}

/** Commands about the hash list. */
function addHashListCommands(
  program: Command,
  configOption: () => Option,
  result: { exitCode: number },
): void {
  program
    .command("hashlist")
    .summary("write the hash list")
    .description(
      "write the current hash list: the torrents that are fully available inside the network. If no tracker answers, write " +
        "nothing, and exit with code 1",
    )
    .addOption(new Option("--format <FORMAT>", "the format").choices(HASH_LIST_FORMATS).default("text"))
    .option(
      "--output <FILE>",
      "write to a file if the list has changed; if no tracker answers, write a list without torrents",
    )
    .option("--diff", "only show the changes since this file, or the file in hashlist.path, was written")
    .addOption(configOption())
    .action(async (options: { config: string } & HashListOptions) => {
      const { hashList } = await import("./hash-list.ts");
      result.exitCode = await hashList(options.config, options);
    });
  program
    .command("nftables")
    .summary("write, load or remove the rules of a Linux router")
    .description(
      "write the rules with which a Linux router refuses handshakes between subscribers and the outside for listed torrents, " +
        "or load or remove these rules",
    )
    .addOption(configOption())
    .option("--bridge", "write rules for a bridge instead of a router")
    .option("--count-only", "only count handshakes, and refuse none")
    .addOption(
      new Option("--apply", "load the rules on this machine, as root; print the command first").conflicts(
        "remove",
      ),
    )
    .option("--remove", "remove the rules from this machine, as root; print the command first")
    .addOption(
      new Option("--counters", "write the counters, for hashlist.router_counters").conflicts([
        "apply",
        "remove",
      ]),
    )
    .action(async (options: NftablesOptions & { config: string }) => {
      const { nftables } = await import("./nftables.ts");
      result.exitCode = await nftables(options.config, options);
    });
}

/** The command for the gate. */
function addGateCommand(program: Command, configOption: () => Option, result: { exitCode: number }): void {
  program
    .command("gate")
    .summary("hold the gate on a Linux router")
    .description(
      "make this Linux router refuse the new connections between subscribers and the outside that the tracker wants " +
        "refused. As root, or with CAP_NET_ADMIN. SIGTERM and SIGINT end it, and let everything through",
    )
    .option(
      "--follow [URL]",
      "load the rules and keep the tracker's lists, until ended. The URL is that of the tracker's admin listener; without " +
        "one, it is found in the configuration",
    )
    .option("--token-file <FILE>", "a file with the token of the admin listener")
    .option(
      "--cert-file <FILE>",
      "a file with the certificate of the admin listener, if it is signed by nobody that this machine trusts",
    )
    .addOption(configOption())
    .option("--bridge", "for a bridge instead of a router")
    .option("--count-only", "only count, and refuse nothing")
    .addOption(
      new Option("--print", "only write the rules, for the tracker's peer groups").conflicts("remove"),
    )
    .addOption(new Option("--remove", "remove the rules and lists from this machine").conflicts("follow"))
    .action(async (options: GateOptions) => {
      const { gate } = await import("./gate.ts");
      result.exitCode = await gate(options);
    });
}

/** The `btrt db` commands. */
function addDatabaseCommands(
  program: Command,
  configOption: () => Option,
  result: { exitCode: number },
): void {
  const database = program
    .command("db")
    .usage("COMMAND [OPTIONS]")
    .description("create, upgrade, inspect, export or import the database");
  const add = (name: DatabaseCommand, description: string, file: boolean, print: boolean) => {
    const command = database.command(name).description(description).addOption(configOption());
    if (file) command.argument("<FILE>");
    if (print) command.option("--print", "only write the SQL, for an administrator");
    command.action(async (...args: unknown[]) => {
      const { runDatabaseCommand } = await import("./database.ts");
      const options = command.opts<{ config: string; print?: boolean }>();
      result.exitCode = await runDatabaseCommand(name, options.config, {
        print: options.print ?? false,
        file: typeof args[0] === "string" ? args[0] : "",
      });
    });
  };
  add("create", "create the tables, unless they exist", false, true);
  add("upgrade", "upgrade the tables of an earlier version", false, true);
  add(
    "status",
    "show the version and the content of the database; also while a tracker is running",
    false,
    false,
  );
  add("export", "write all torrents, and the totals over time, to a file", true, false);
  add("import", "read the torrents and totals of an export", true, false);
}

/** Joins the two lines of an error into one: `error: unknown command 'chek'`, and `(Did you mean check?)`. */
function explain({ code, message }: CommanderError, argv: readonly string[]): string {
  const what = code === "commander.help" ? `unknown command '${argv[1]}'` : message.replace(/^error: /, "");
  const [mistake, suggestion] = what.split("\n");
  const near = /^\(Did you mean (.*)\?\)$/.exec(suggestion ?? "")?.[1];
  const advice = near === undefined ? '"btrt help" shows the commands' : `did you mean ${near}?`;
  return `${mistake.replace(/\.$/, "")}; ${advice}`;
}
