/** The commands of `btrt`: from arguments to an exit code. */
import { Argument, Command, CommanderError, Option } from "commander";
import type { ConfigSource } from "../config/load.ts";
import { HASH_LIST_FORMATS } from "../hash-list/formats/formats.ts";
import { BUILD_TEXT, VERSION } from "../platform/version.ts";
import type { Shell } from "./completion/scripts.ts";
import { CONFIG_FILE } from "./config-file.ts";
import type { DatabaseCommand } from "./database.ts";
import type { DoctorOptions } from "./doctor/doctor.ts";
import type { HashListOptions } from "./hash-list.ts";
import type { Answers } from "./init/answers.ts";
import type { NftablesOptions } from "./nftables.ts";
import { print, printError } from "./output.ts";

const EXAMPLES = `  btrt init                           answer questions, and have a configuration
  btrt run --defaults                 serve now, without a configuration
  btrt config > ${CONFIG_FILE}   write a configuration to start from
  btrt check                          what is wrong with it, or what it amounts to
  btrt run --config ./btrt.conf       serve as another file says
  btrt doctor                         what this machine lacks
  btrt db status                      what the database holds
  btrt status --watch                 what the running tracker does
  btrt neighbors                      how partners' trackers do
  btrt explain --help                 why an address is given whom
  btrt hashlist --output FILE         the torrents that can be had inside
  btrt nftables | less                rules with which a Linux router acts on the hash list
  btrt completion bash                what lets a shell complete all this
  btrt man btrt.conf                  a manual page, to install
  btrt version                        this program's version
  btrt help run                       the options of a command`;

const HELP_FOOTER = `
Configuration: ${CONFIG_FILE}, or where --config says.

Examples:
${EXAMPLES}`;

/** Serves until it is told to stop. @returns the exit code. */
export type Run = (source: ConfigSource) => Promise<number>;

/**
 * Executes a command line. Never throws for what a user can do wrong: that is one line on standard error.
 * @param argv the arguments, without the program's name.
 * @param run the `run` command's work, so that the other commands don't load it.
 * @returns the exit code: 0, or 1 for anything wrong.
 */
export async function runCommandLine(argv: readonly string[], run: Run): Promise<number> {
  const result = { exitCode: 0, help: "" };
  try {
    await buildProgram(run, result).parseAsync(argv.length === 0 ? ["help"] : argv, { from: "user" });
    return result.exitCode;
  } catch (error) {
    // Commander's way to end, also after it has shown its help.
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return await print(result.help);
    printError(`btrt: ${explain(error, argv)}`);
    return 1;
  }
}

/** The other modules are loaded by the commands that need them, so that help and mistakes are quick. */
function buildProgram(run: Run, result: { exitCode: number; help: string }): Command {
  const program = new Command("btrt")
    .description("A BitTorrent tracker that answers with the peers nearest to the network first.")
    .usage("COMMAND [OPTIONS]")
    .version(VERSION, "--version", "show the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [COMMAND]", "show this help, or that of a command")
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
    .description("serve, in the foreground; SIGHUP reads the configuration again, SIGTERM stops")
    .addOption(configOption())
    .addOption(new Option("--defaults", "serve with the default configuration").conflicts("config"))
    .action(async (options: { config: string; defaults?: true }) => {
      result.exitCode = await run(options.defaults ? { defaults: true } : { configFile: options.config });
    });
  program
    .command("check")
    .description("say what is wrong with the configuration, or what it amounts to")
    .addOption(configOption())
    .option("--database", "look at the database, too: whether this version can use it")
    .action(async (options: { config: string; database?: true }) => {
      const { check } = await import("./check.ts");
      result.exitCode = await check(options.config, options.database ?? false);
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
  addHashListCommands(program, configOption, result);
  program
    .command("version")
    .description("show the version")
    .action(async () => {
      result.exitCode = await print(
        `btrt ${VERSION} (${BUILD_TEXT}; Node.js ${process.versions.node}, ${process.platform} ${process.arch})\n`,
      );
    });
  addPackagingCommands(program, result);
  return program;
}

/** Commands for who installs it. */
function addSetupCommands(program: Command, configOption: () => Option, result: { exitCode: number }): void {
  program
    .command("init")
    .description("write a configuration, from questions or from these options")
    .option("--local <PREFIX...>", "your own network: prefixes, or a file that lists them")
    .option("--partner <PREFIX...>", "partners' networks")
    .option("--neighbor <HOST...>", "partners' retrackers: host names, or announce URLs")
    .option("--name <NAME...>", "by which subscribers reach the tracker (retracker.local)")
    .option("--address <IP...>", "of this machine, for these names")
    .option("--port <N>", "for HTTP announces (80)")
    .option("--database <URL>", "where swarms are kept: sqlite:FILE or tcp://HOST:3306")
    .option("--database-user <USER>", "of a database server (btrt)")
    .option("--password-file <FILE>", "holds that user's password")
    .addOption(configOption())
    .option("--force", "write even if there is one; it is kept as FILE.old")
    .action(async ({ config, force, ...flags }: { config: string; force?: true } & Partial<Answers>) => {
      const { init } = await import("./init/init.ts");
      const { stdin: input, stdout: output } = process;
      const terminal = input.isTTY && output.isTTY ? { input, output } : undefined;
      result.exitCode = await init(config, flags, force ?? false, terminal);
    });
  program
    .command("doctor")
    .description("say what this machine lacks to run the tracker, and what to do about it; changes nothing")
    .addOption(configOption())
    .addOption(new Option("--name <NAME...>", "by which subscribers reach it").default(["retracker.local"]))
    .option("--resolver <IP>", "the DNS server to ask for it (this machine's)")
    .option("--json", "as JSON, for programs")
    .action(async (options: { config: string } & DoctorOptions) => {
      const { doctor } = await import("./doctor/doctor.ts");
      result.exitCode = await doctor(options.config, options);
    });
}

/** Commands that write what a package has besides the program, from the definitions of all commands. */
function addPackagingCommands(program: Command, result: { exitCode: number }): void {
  program
    .command("completion")
    .description("write the completions for a shell to standard output")
    .addArgument(new Argument("<SHELL>", "which").choices(["bash", "zsh", "fish"] satisfies Shell[]))
    .action(async (shell: Shell) => {
      const { completionScript } = await import("./completion/scripts.ts");
      result.exitCode = await print(completionScript(shell, program));
    });
  program
    .command("man")
    .description("write a manual page to standard output, as man(7) has it")
    .addArgument(new Argument("<PAGE>", "which").choices(["btrt", "btrt.conf"]))
    .action(async (name: string) => {
      const { commandPage } = await import("./manual/command-page.ts");
      const { configPage } = await import("./manual/config-page.ts");
      result.exitCode = await print(name === "btrt" ? commandPage(program, EXAMPLES) : configPage());
    });
}

/** Commands that ask the running tracker. */
function addAdminCommands(program: Command, configOption: () => Option, result: { exitCode: number }): void {
  const defaults = () =>
    new Option("--defaults", "ask a tracker that runs with --defaults").conflicts("config");
  const fileOf = (options: { config: string; defaults?: true }) =>
    options.defaults ? undefined : options.config;
  program
    .command("status")
    .description("show what the running tracker does and saves")
    .addOption(configOption())
    .addOption(defaults())
    .option("--json", "as JSON, for programs")
    .option("--watch", "every second, until interrupted")
    .action(async (options: { config: string; defaults?: true; json?: true; watch?: true }) => {
      const { status } = await import("./status.ts");
      result.exitCode = await status(fileOf(options), {
        json: options.json ?? false,
        watch: options.watch ?? false,
      });
    });
  program
    .command("neighbors")
    .description("show what has come of asking partners' trackers")
    .addOption(configOption())
    .addOption(defaults())
    .option("--json", "as JSON, for programs")
    .action(async (options: { config: string; defaults?: true; json?: true }) => {
      const { neighbors } = await import("./neighbors.ts");
      result.exitCode = await neighbors(fileOf(options), options.json ?? false);
    });
  program
    .command("explain")
    .description("show the answer that an address would get now, and why; changes nothing")
    .requiredOption("--info-hash <HASH>", "the torrent, 40 hexadecimal digits")
    .requiredOption("--address <IP>", "who would ask")
    .option("--numwant <N>", "peers wanted")
    .addOption(configOption())
    .addOption(defaults())
    .option("--json", "as JSON, for programs")
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

/** Commands about torrents that can be had inside. */
function addHashListCommands(
  program: Command,
  configOption: () => Option,
  result: { exitCode: number },
): void {
  program
    .command("hashlist")
    .description(
      "write the torrents that can be had inside, as of now; nothing and exit code 1 without a tracker",
    )
    .addOption(new Option("--format <FORMAT>", "in which form").choices(HASH_LIST_FORMATS).default("text"))
    .option(
      "--output <FILE>",
      "into a file, if they have changed; one without torrents if no tracker answers",
    )
    .option("--diff", "only show what has changed since that file, or that of hashlist.path, was written")
    .addOption(configOption())
    .action(async (options: { config: string } & HashListOptions) => {
      const { hashList } = await import("./hash-list.ts");
      result.exitCode = await hashList(options.config, options);
    });
  program
    .command("nftables")
    .description("write the rules with which a Linux router acts on the hash list, or load or remove them")
    .addOption(configOption())
    .option("--bridge", "for a bridge instead of a router")
    .option("--count-only", "refuse nothing, only count")
    .addOption(new Option("--apply", "load them here, as root; tells how first").conflicts("remove"))
    .option("--remove", "take them away again, as root; tells how first")
    .action(async (options: NftablesOptions & { config: string }) => {
      const { nftables } = await import("./nftables.ts");
      result.exitCode = await nftables(options.config, options);
    });
}

/** `btrt db …`: one command each. */
function addDatabaseCommands(
  program: Command,
  configOption: () => Option,
  result: { exitCode: number },
): void {
  const database = program
    .command("db")
    .usage("COMMAND [OPTIONS]")
    .description("make, upgrade, look at, export or import the database");
  const add = (name: DatabaseCommand, description: string, file: boolean, print: boolean) => {
    const command = database.command(name).description(description).addOption(configOption());
    if (file) command.argument("<FILE>");
    if (print) command.option("--print", "write the SQL for an administrator to run instead");
    command.action(async (...args: unknown[]) => {
      const { runDatabaseCommand } = await import("./database.ts");
      const options = command.opts<{ config: string; print?: boolean }>();
      result.exitCode = await runDatabaseCommand(name, options.config, {
        print: options.print ?? false,
        file: typeof args[0] === "string" ? args[0] : "",
      });
    });
  };
  add("create", "make the tables, if they are not there", false, true);
  add("upgrade", "bring the tables of an earlier version forward", false, true);
  add("status", "say what version it is of, and what it holds", false, false);
  add("export", "write all torrents to a file", true, false);
  add("import", "read them from such a file", true, false);
}

/** One line of what may be two: `error: unknown command 'chek'`, and `(Did you mean check?)`. */
function explain({ code, message }: CommanderError, argv: readonly string[]): string {
  const what = code === "commander.help" ? `unknown command '${argv[1]}'` : message.replace(/^error: /, "");
  const [mistake, suggestion] = what.split("\n");
  const near = /^\(Did you mean (.*)\?\)$/.exec(suggestion ?? "")?.[1];
  const advice = near === undefined ? '"btrt help" shows the commands' : `did you mean ${near}?`;
  return `${mistake.replace(/\.$/, "")}; ${advice}`;
}
