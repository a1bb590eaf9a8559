import { orderTopology } from '../../workflows/order-events.js';
import { ExpectedError } from '../local/expected-error.js';
import { createPublisher } from '../rabbitmq/publisher.js';
import { printable } from '../runtime/printable.js';
import { silentLogger } from '../testing/silent-logger.js';
import { withDeadLetters } from './dead-letters.js';
import type { LiveSystem } from './live-system.js';
import { nudge } from './nudge.js';
import type { Operator } from './operator-actions.js';
import { letterLine, linesOf, reportOn } from './order-report.js';
import { discard, isCalled, replay, type Selection } from './parked-messages.js';
import { pendingEvents } from './pending-outbox.js';

/** What was typed. */
export interface OperationRequest {
  readonly words: readonly string[];
  readonly all: boolean;
  readonly type: string | undefined;
  readonly reason: string | undefined;
  readonly by: string;
}

/** What to print: lines that a terminal shows and does not obey, whatever messages and orders bring into them. */
export interface OperationResult {
  readonly lines: readonly string[];
  /** False when what was asked for is not there, or could not be done to all of it. */
  readonly found: boolean;
}

export const usage = [
  'usage: npm run ops -- COMMAND',
  '  dead-letters list [--type order.created]       what is parked, and why',
  '  dead-letters show ID                           one parked message, whole',
  '  dead-letters replay ID | --all | --type TYPE   put it back into its queue       (--reason TEXT)',
  '  dead-letters discard ID                        take it away for good            (--reason TEXT)',
  '  outbox pending                                 what is not published yet',
  "  orders show ID                                 an order's way, on one screen",
  '  orders nudge ID                                have somebody look after it now  (--reason TEXT)',
  'A reason is kept with your name; --by gives another name.',
].join('\n');

/** @throws ExpectedError when it is no command, a reason is missing, or what it needs is away */
export async function runOperation(system: LiveSystem, request: OperationRequest): Promise<OperationResult> {
  const { lines, found } = await perform(system, request);
  return { lines: lines.map((line) => printable(line)), found };
}

async function perform(system: LiveSystem, request: OperationRequest): Promise<OperationResult> {
  const [subject, verb, id, ...rest] = request.words;
  const command = `${subject} ${verb}`;
  const needsId = ['dead-letters show', 'dead-letters discard', 'orders show', 'orders nudge'].includes(command);
  if (rest.length > 0 || (needsId && id === undefined)) throw new ExpectedError(usage);
  const orderOrMessage = id ?? '';
  switch (command) {
    case 'dead-letters list':
      return listLetters(system, request.type);
    case 'dead-letters show':
      return showLetter(system, orderOrMessage);
    case 'dead-letters replay':
      return replayLetters(system, selectionOf(request, id), operatorOf(request));
    case 'dead-letters discard':
      return discardLetter(system, orderOrMessage, operatorOf(request));
    case 'outbox pending':
      return listPending(system);
    case 'orders show':
      return showOrder(system, orderOrMessage);
    case 'orders nudge':
      return nudgeOrder(system, orderOrMessage, operatorOf(request));
    default:
      throw new ExpectedError(usage);
  }
}

function operatorOf({ reason, by }: OperationRequest): Operator {
  if (!reason) throw new ExpectedError('Say why: --reason "the processor is mended". It is kept with your name.');
  return { who: by, reason };
}

function selectionOf({ all, type }: OperationRequest, messageId: string | undefined): Selection {
  const given = [
    messageId === undefined ? [] : [{ messageId }],
    type === undefined ? [] : [{ type }],
    all ? ['all' as const] : [],
  ].flat();
  const [selection] = given;
  if (selection === undefined || given.length > 1)
    throw new ExpectedError(`Say which: an id, --type, or --all.\n${usage}`);
  return selection;
}

async function listLetters({ rabbitmq }: LiveSystem, type: string | undefined): Promise<OperationResult> {
  const lines = await withDeadLetters(rabbitmq, async (letters) =>
    letters.filter((letter) => type === undefined || isCalled(letter.type, type)).map(letterLine),
  );
  return { lines: lines.length > 0 ? lines : ['nothing is parked'], found: true };
}

async function showLetter({ rabbitmq }: LiveSystem, messageId: string): Promise<OperationResult> {
  return withDeadLetters(rabbitmq, async (letters) => {
    const found = letters.filter((letter) => isCalled(letter.messageId, messageId));
    if (found.length === 0) return nothing(messageId);
    const lines = found.flatMap((letter) => [
      letterLine(letter),
      `  why      ${JSON.stringify(letter.reason)}`,
      `  headers  ${JSON.stringify(letter.message.properties.headers)}`,
      `  content  ${JSON.stringify(letter.message.content.toString('utf8'))}`,
    ]);
    return { lines, found: true };
  });
}

async function replayLetters(system: LiveSystem, selection: Selection, operator: Operator): Promise<OperationResult> {
  const publisher = await createPublisher(system.rabbitmqUrl, 'operations publisher', orderTopology, silentLogger);
  try {
    const results = await replay(system, publisher, selection, operator);
    if (results.length === 0) return { lines: ['nothing like that is parked'], found: false };
    const failed = results.filter(({ failure }) => failure !== undefined);
    const lines = results.map(({ letter, failure }) =>
      failure === undefined ? `replayed ${letterLine(letter)}` : `FAILED   ${letterLine(letter)}; ${failure}`,
    );
    const names = failed.map(({ letter }) => letter.messageId).join(', ');
    const summary = failed.length > 0 ? [`${failed.length} of ${results.length} could not be replayed: ${names}`] : [];
    return { lines: [...lines, ...summary], found: failed.length === 0 };
  } finally {
    await publisher.close();
  }
}

async function discardLetter(system: LiveSystem, messageId: string, operator: Operator): Promise<OperationResult> {
  const letter = await discard(system, messageId, operator);
  return letter ? { lines: [`discarded ${letterLine(letter)}`], found: true } : nothing(messageId);
}

async function listPending(system: LiveSystem): Promise<OperationResult> {
  const { events, total } = await pendingEvents(system);
  const lines = events.map(({ id, type, orderId, ageSeconds, attempts, lastError }) => {
    return `${id} ${type} of order ${orderId}, ${ageSeconds.toFixed(0)} s old, ${attempts} attempts, last error: ${lastError ?? 'none'}`;
  });
  const more = total > events.length ? [`and ${total - events.length} more`] : [];
  return { lines: total === 0 ? ['everything is published'] : [...lines, ...more], found: true };
}

async function showOrder(system: LiveSystem, orderId: string): Promise<OperationResult> {
  const report = await reportOn(system, orderId);
  if (!report)
    return { lines: [`there is no order ${orderId}, and no message or workflow speaks of one`], found: false };
  return { lines: linesOf(report, system.temporalNamespace, system.temporalUiUrl), found: true };
}

async function nudgeOrder(system: LiveSystem, orderId: string, operator: Operator): Promise<OperationResult> {
  const result = await nudge(system, orderId, operator);
  if (!result) return { lines: [`there is no order ${orderId}`], found: false };
  const { due, askedAgain } = result;
  const lines = [
    ...due.map((what) => `due now: ${what}`),
    ...(askedAgain ? [`${askedAgain} was asked to publish again what it published last`] : []),
  ];
  return { lines: lines.length > 0 ? lines : ['nothing about it is open'], found: true };
}

function nothing(messageId: string): OperationResult {
  return { lines: [`no parked message has the id ${messageId}`], found: false };
}
