import { orderTopology } from '../../workflows/order-events.js';
import { createPublisher } from '../rabbitmq/publisher.js';
import { withDeadLetters, type DeadLetter } from './dead-letters.js';
import { durationInWords } from './format.js';
import type { LiveSystem } from './live-system.js';
import type { Operator } from './operator-actions.js';
import { deadLetterLine, linesOf, reportOn } from './order-report.js';
import { discard, isNamed, replay, type Selection } from './replay-and-discard.js';
import { retryOrder } from './retry-order.js';
import { unpublishedEvents } from './unpublished-events.js';
import { verify, type VerifyOptions } from './verify.js';
import { linesOfResults } from './verify-report.js';

/** What a command reports. Lines may contain text from untrusted messages; the caller makes them printable. */
export interface CommandResult {
  readonly lines: readonly string[];
  /** The same result as JSON data; undefined for commands that only act. */
  readonly data?: unknown;
  /** False when the requested item does not exist, the action succeeded only in part, or an invariant is violated. */
  readonly isComplete: boolean;
}

/** Checks every invariant. @throws CliError that names the servers that are unavailable */
export async function verifySystem(system: LiveSystem, options: VerifyOptions): Promise<CommandResult> {
  const results = await verify(system, options);
  const isComplete = results.every(({ violationCount }) => violationCount === 0);
  return { lines: linesOfResults(results), data: results, isComplete };
}

/** Lists the dead-lettered messages, the oldest first. @throws CliError when RabbitMQ is unavailable */
export async function listDeadLetters({ rabbitmq }: LiveSystem, type: string | undefined): Promise<CommandResult> {
  return withDeadLetters(rabbitmq, async (all) => {
    const selected = all.filter((message) => type === undefined || isNamed(message.type, type));
    const lines = selected.map(deadLetterLine);
    return {
      lines: lines.length > 0 ? lines : ['no message is dead-lettered'],
      data: selected.map(dataOf),
      isComplete: true,
    };
  });
}

/** Shows one dead-lettered message in full. @throws CliError when RabbitMQ is unavailable */
export async function showDeadLetter({ rabbitmq }: LiveSystem, messageId: string): Promise<CommandResult> {
  return withDeadLetters(rabbitmq, async (all) => {
    const found = all.filter((message) => isNamed(message.messageId, messageId));
    if (found.length === 0) return noSuchMessage(messageId);
    const whole = found.map((each) => ({
      ...dataOf(each),
      headers: each.message.properties.headers as object,
      content: each.message.content.toString('utf8'),
    }));
    const lines = found.flatMap((each, index) => [
      deadLetterLine(each),
      `  reason   ${JSON.stringify(each.reason)}`,
      `  headers  ${JSON.stringify(whole[index]?.headers)}`,
      `  content  ${JSON.stringify(whole[index]?.content)}`,
    ]);
    return { lines, data: whole, isComplete: true };
  });
}

/** Replays the selected dead-lettered messages; see `replay`. @throws CliError when RabbitMQ is unavailable */
export async function replayDeadLetters(
  system: LiveSystem,
  selection: Selection,
  operator: Operator,
): Promise<CommandResult> {
  const publisher = await createPublisher(system.rabbitmqUrl, 'operations publisher', orderTopology, system.logger);
  try {
    const results = await replay(system, publisher, selection, operator);
    if (results.length === 0) return { lines: ['no dead-lettered message is selected'], isComplete: false };
    const failed = results.filter(({ failure }) => failure !== undefined);
    const lines = results.map(({ message, failure }) =>
      failure === undefined ? `replayed ${deadLetterLine(message)}` : `FAILED   ${deadLetterLine(message)}; ${failure}`,
    );
    const ids = failed.map(({ message }) => message.messageId).join(', ');
    const summary = failed.length > 0 ? [`${failed.length} of ${results.length} could not be replayed: ${ids}`] : [];
    return { lines: [...lines, ...summary], isComplete: failed.length === 0 };
  } finally {
    await publisher.close();
  }
}

/** Discards one dead-lettered message; see `discard`. @throws CliError when RabbitMQ is unavailable */
export async function discardDeadLetter(
  system: LiveSystem,
  messageId: string,
  operator: Operator,
): Promise<CommandResult> {
  const message = await discard(system, messageId, operator);
  return message ? { lines: [`discarded ${deadLetterLine(message)}`], isComplete: true } : noSuchMessage(messageId);
}

/** Lists the events of both services that are not published yet, the oldest first. */
export async function listUnpublished(system: LiveSystem): Promise<CommandResult> {
  const { events, total } = await unpublishedEvents(system);
  const lines = events.map(({ id, type, orderId, ageSeconds, attempts, lastError }) => {
    const age = durationInWords(ageSeconds * 1000);
    return `${id} ${type} of order ${orderId}, ${age} old, ${attempts} attempts, last error: ${lastError ?? 'none'}`;
  });
  const more = total > events.length ? [`and ${total - events.length} more`] : [];
  return {
    lines: total === 0 ? ['every event is published'] : [...lines, ...more],
    data: { total, events },
    isComplete: true,
  };
}

/** Shows one order. While RabbitMQ or Temporal is unavailable, it shows what the other parts know and says so. */
export async function showOrder(system: LiveSystem, orderId: string): Promise<CommandResult> {
  const report = await reportOn(system, orderId);
  if (!report) {
    const lines = [`there is no order ${orderId}, and no message or workflow mentions one`];
    return { lines, data: null, isComplete: false };
  }
  const data = { ...report, deadLetters: report.deadLetters.map(dataOf) };
  return { lines: linesOf(report, system.temporalNamespace, system.temporalUiUrl), data, isComplete: true };
}

/** Makes every check of the order due now; see `retryOrder`. @throws CliError when Temporal is unavailable */
export async function retry(system: LiveSystem, orderId: string, operator: Operator): Promise<CommandResult> {
  const result = await retryOrder(system, orderId, operator);
  if (!result) return { lines: [`there is no order ${orderId}`], isComplete: false };
  const lines = [
    ...result.due.map((what) => `due now: ${what}`),
    ...(result.workflowId ? [`asked ${result.workflowId} to check now`] : []),
  ];
  return { lines: lines.length > 0 ? lines : ['nothing about it is pending'], isComplete: true };
}

function noSuchMessage(messageId: string): CommandResult {
  return { lines: [`no dead-lettered message has the id ${messageId}`], data: [], isComplete: false };
}

/** Strips the raw broker message, which is not data for another program. */
function dataOf({ message: _message, ...data }: DeadLetter): Omit<DeadLetter, 'message'> {
  return data;
}
