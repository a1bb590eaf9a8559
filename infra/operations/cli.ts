import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CliError } from '../runtime/cli-error.js';
import { printable, printableJson } from '../runtime/printable.js';
import {
  discardDeadLetter,
  listDeadLetters,
  listUnpublished,
  replayDeadLetters,
  retry,
  showDeadLetter,
  showOrder,
  verifySystem,
  type CommandResult,
} from './commands.js';
import type { LiveSystem } from './live-system.js';
import type { Operator } from './operator-actions.js';
import type { Selection } from './replay-and-discard.js';

export interface CliContext {
  /** Connects to the system; the command line closes it. */
  readonly openSystem: () => Promise<LiveSystem>;
  /** Receives printable lines: no text from a message or an order in them can control the terminal. */
  readonly print: (line: string) => void;
  /** The operator name that is recorded with an action, unless `--by` gives another. */
  readonly userName: string;
}

/** The process's exit codes; `--help` lists them. */
export const exitCodes = { done: 0, notFound: 1, failed: 2 } as const;

const maxWaitSeconds = 86_400;
const exitCodeHelp = `
Exit codes:
  ${exitCodes.done}  everything that was asked for is done, or every invariant holds
  ${exitCodes.notFound}  what was asked for does not exist, was done in part, or an invariant is violated
  ${exitCodes.failed}  the command could not be carried out: bad arguments, or a part of the system is unavailable`;

/**
 * Runs one command line, e.g. `orders show ord-001`.
 * @returns the process's exit code
 * @throws CliError when a server that the command needs is unavailable, or an argument is invalid
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode: number = exitCodes.done;
  const carryOut = async (isJson: boolean, work: (system: LiveSystem) => Promise<CommandResult>): Promise<void> => {
    const system = await context.openSystem();
    try {
      const { lines, data, isComplete } = await work(system);
      const shown = isJson ? printableJson(data).split('\n') : lines.map((line) => printable(line));
      for (const line of shown) context.print(line);
      if (!isComplete) exitCode = exitCodes.notFound;
    } finally {
      await system.close();
    }
  };
  try {
    await createProgram(carryOut, context).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has already printed its error message, or the help that was requested.
    return error.exitCode === 0 ? exitCodes.done : exitCodes.failed;
  }
}

type CarryOut = (isJson: boolean, work: (system: LiveSystem) => Promise<CommandResult>) => Promise<void>;

interface Flags {
  readonly json?: boolean;
  readonly reason: string;
  readonly by: string;
  readonly type?: string;
  readonly all?: boolean;
  readonly wait: number;
  readonly accepted?: string;
}

function createProgram(carryOut: CarryOut, { print, userName }: CliContext): Command {
  const program = new Command('ops')
    .description('Looks at a running order system and repairs what needs a person.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => print(text.trimEnd()), writeErr: (text) => print(text.trimEnd()) })
    .showHelpAfterError('(--help shows what is possible)')
    .addHelpText('after', exitCodeHelp);

  const action = (command: Command): Command =>
    command
      .addOption(new Option('--reason <text>', 'why; it is recorded with your name').makeOptionMandatory())
      .option('--by <name>', 'whose name is recorded', userName);
  const listing = (command: Command): Command => command.option('--json', 'print one JSON document');
  const operatorOf = ({ by, reason }: Flags): Operator => {
    if (by === '' || reason === '') throw new CliError('--by and --reason must not be empty');
    return { who: by, reason };
  };

  listing(program.command('verify'))
    .description('check every invariant of the system, for every order')
    .option('--wait <seconds>', 'wait so long, at most, until nothing is in progress', secondsOf, 0)
    .option('--accepted <file>', 'ids of orders that were accepted, one a line: each has to exist')
    .action(async ({ json = false, wait, accepted }: Flags) => {
      const orderIds = accepted === undefined ? undefined : linesOfFile(accepted);
      await carryOut(json, (system) => verifySystem(system, { waitMs: wait * 1000, accepted: orderIds }));
    });

  const orders = program.command('orders').description('look at one order, or have it looked at');
  listing(orders.command('show <order-id>'))
    .description('the way of one order through all parts, on one screen')
    .action((orderId: string, { json = false }: Flags) => carryOut(json, (system) => showOrder(system, orderId)));
  action(orders.command('retry <order-id>'))
    .description('make every check of the order due now; repeating this is harmless')
    .action((orderId: string, flags: Flags) => carryOut(false, (system) => retry(system, orderId, operatorOf(flags))));

  const outbox = program.command('outbox').description('look at events that are to be published');
  listing(outbox.command('pending'))
    .description('events that are not published yet, and why; the oldest first')
    .action(({ json = false }: Flags) => carryOut(json, listUnpublished));

  const deadLetters = program.command('dead-letters').description('look at dead-lettered messages and decide on them');
  listing(deadLetters.command('list'))
    .description('dead-lettered messages, and why they are; the oldest first')
    .option('--type <type>', 'only messages of this type, e.g. order.created')
    .action(({ json = false, type }: Flags) => carryOut(json, (system) => listDeadLetters(system, type)));
  listing(deadLetters.command('show <message-id>'))
    .description('one dead-lettered message, whole')
    .action((messageId: string, { json = false }: Flags) =>
      carryOut(json, (system) => showDeadLetter(system, messageId)),
    );
  action(deadLetters.command('replay [message-id]'))
    .description('put messages back into the queue that they came from')
    .option('--type <type>', 'all messages of this type')
    .option('--all', 'all messages')
    .action((messageId: string | undefined, flags: Flags) => {
      const selection = selectionOf(messageId, flags);
      return carryOut(false, (system) => replayDeadLetters(system, selection, operatorOf(flags)));
    });
  action(deadLetters.command('discard <message-id>'))
    .description('remove one message for good; its content stays in the record of the action')
    .action((messageId: string, flags: Flags) =>
      carryOut(false, (system) => discardDeadLetter(system, messageId, operatorOf(flags))),
    );
  return program;
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && seconds <= maxWaitSeconds) return seconds;
  throw new InvalidArgumentError('It takes seconds, at most a day.');
}

function linesOfFile(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/).filter(Boolean);
  } catch (error) {
    throw new CliError(`--accepted: ${(error as Error).message}`);
  }
}

/** @throws CliError unless the messages are selected in exactly one way */
function selectionOf(messageId: string | undefined, { all = false, type }: Flags): Selection {
  const given = [
    messageId === undefined ? [] : [{ messageId }],
    type === undefined ? [] : [{ type }],
    all ? ['all' as const] : [],
  ].flat();
  const [selection] = given;
  if (selection === undefined || given.length > 1) {
    throw new CliError('Select the messages in one way: by a message id, by --type, or with --all.');
  }
  return selection;
}
