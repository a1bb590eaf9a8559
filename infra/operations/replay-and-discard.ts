import type { Channel, Options } from 'amqplib';
import { isPostgresOutage } from '../postgres/outage.js';
import { isCopyHeader } from '../rabbitmq/dead-letter.js';
import type { Publisher } from '../rabbitmq/publisher.js';
import { printable } from '../runtime/printable.js';
import { withDeadLetters, type DeadLetter } from './dead-letters.js';
import type { LiveSystem } from './live-system.js';
import { recordAction, type Operator } from './operator-actions.js';

/** Selects dead-lettered messages. An id or type also matches in its printed form, because some cannot be typed. */
export type Selection = { readonly messageId: string } | { readonly type: string } | 'all';

/** The result of replaying one message. */
export interface Replayed {
  readonly message: DeadLetter;
  /** Why the message is still in the dead-letter queue; undefined when it was replayed. */
  readonly failure?: string;
}

/** The headers that dead-lettering adds. A replayed message starts over without them. */
const dropped = /^x-(dead-letter|original|first-death|last-death|death|delivery-count).*$/s;
const publisherUpTimeoutMs = 10_000;
const publisherPollMs = 50;

/**
 * Replays messages: publishes each to its original queue under its own id, with who replayed it and why in its headers,
 * and only then removes it from the dead-letter queue. If this is interrupted in between, the message is in both
 * queues; when it is replayed again, it still takes effect once, because the inbox recognizes its event. A message that
 * cannot be published stays dead-lettered and does not hold up those behind it. After an outage the remaining messages
 * are not tried.
 * @returns the result for each selected message, in the same order
 */
export async function replay(
  { rabbitmq, ordersDb }: LiveSystem,
  publisher: Publisher,
  selection: Selection,
  operator: Operator,
): Promise<Replayed[]> {
  return withDeadLetters(rabbitmq, async (all, channel) => {
    let outage: string | undefined;
    const results: Replayed[] = [];
    for (const message of all.filter((each) => isSelected(each, selection))) {
      try {
        if (!outage && !(await isUpSoon(publisher))) outage = 'RabbitMQ takes no messages';
        if (outage) throw new Error(`not tried: ${outage}`);
        const detail = detailOf(message);
        await recordAction(ordersDb, operator, { action: 'replay', orderId: message.orderId ?? null, detail });
        await republish(message, publisher, operator);
        remove(message, channel);
        results.push({ message });
      } catch (error) {
        const failure = error instanceof Error ? error.message : String(error);
        if (error instanceof ChannelLost || isPostgresOutage(error)) outage ??= failure;
        results.push({ message, failure });
      }
    }
    return results;
  });
}

/**
 * Removes one message for good. The record of the action keeps its content.
 * @returns undefined when no dead-lettered message has this id
 */
export async function discard(
  { rabbitmq, ordersDb }: LiveSystem,
  messageId: string,
  operator: Operator,
): Promise<DeadLetter | undefined> {
  return withDeadLetters(rabbitmq, async (all, channel) => {
    const found = all.find((each) => isSelected(each, { messageId }));
    if (!found) return undefined;
    const { content, properties } = found.message;
    const detail = { ...detailOf(found), content: content.toString('base64'), properties };
    await recordAction(ordersDb, operator, { action: 'discard', orderId: found.orderId ?? null, detail });
    remove(found, channel);
    return found;
  });
}

/** Returns true when `typed` is this id or type, or its printed form. */
export function isNamed(name: string, typed: string): boolean {
  return name === typed || printable(name) === typed;
}

function isSelected({ messageId, type }: DeadLetter, selection: Selection): boolean {
  if (selection === 'all') return true;
  return 'type' in selection ? isNamed(type, selection.type) : isNamed(messageId, selection.messageId);
}

/** Waits for a reconnect: the broker closes the connection over a message that it refuses. */
async function isUpSoon(publisher: Publisher): Promise<boolean> {
  for (const end = Date.now() + publisherUpTimeoutMs; !publisher.isUp() && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, publisherPollMs));
  }
  return publisher.isUp();
}

/** @throws NotPublished when no queue accepted the message, or it cannot be sent at all */
async function republish(deadLetter: DeadLetter, publisher: Publisher, { who, reason }: Operator): Promise<void> {
  const { content, properties } = deadLetter.message;
  // The broker refuses a message with another user's id, and a replayed message must not expire on the way.
  const { userId: _userId, expiration: _expiration, ...kept } = properties as Options.Publish;
  const headers = Object.entries(properties.headers ?? {}).filter(
    ([name]) => !dropped.test(name) && !isCopyHeader(name),
  );
  await publisher.publish({
    exchange: '',
    routingKey: deadLetter.queue,
    content,
    properties: {
      ...kept,
      messageId: deadLetter.messageId,
      headers: {
        ...Object.fromEntries(headers),
        'x-replayed-by': who,
        'x-replayed-because': reason,
        'x-replayed-at': new Date().toISOString(),
      },
    },
  });
}

/** The channel that held the messages is closed, so all of them are back in the dead-letter queue. */
class ChannelLost extends Error {
  override readonly name = 'ChannelLost';
}

/** @throws ChannelLost when the message is still in the dead-letter queue */
function remove({ message }: DeadLetter, channel: Channel): void {
  try {
    channel.ack(message);
  } catch (error) {
    throw new ChannelLost('the connection to RabbitMQ was lost, so it is still in the dead-letter queue', {
      cause: error,
    });
  }
}

function detailOf({ queue, messageId, type, reason, attempts, deadLetteredAt }: DeadLetter): object {
  return {
    ...{ queue, message_id: messageId, type, attempts },
    ...{ dead_letter_reason: reason, dead_lettered_at: deadLetteredAt },
  };
}
