import type { Channel, Options } from 'amqplib';
import { isPostgresOutage } from '../postgres/outage.js';
import { isCopyHeader } from '../rabbitmq/dead-letter.js';
import type { Publisher } from '../rabbitmq/publisher.js';
import { printable } from '../runtime/printable.js';
import { withDeadLetters, type DeadLetter } from './dead-letters.js';
import type { LiveSystem } from './live-system.js';
import { noteAction, type Operator } from './operator-actions.js';

/** Which dead letters are meant; names are as they are, or as they are printed: some cannot be typed. */
export type Selection = { readonly messageId: string } | { readonly type: string } | 'all';

/** What became of one dead letter that was to be replayed. */
export interface Replayed {
  readonly letter: DeadLetter;
  /** Why it is still in the dead-letter queue; undefined when it was put back. */
  readonly failure?: string;
}

/** What dead-lettering has added to a message, which begins afresh. */
const dropped = /^x-(dead-letter|original|first-death|last-death|death|delivery-count).*$/s;
const publisherUpTimeoutMs = 10_000;
const publisherPollMs = 50;

/**
 * Puts dead letters back into the queue they came from, under the id they have, with who did it and why in their
 * headers, and only then takes them out of the dead-letter queue. Cut off in between, a message is in both; replayed once
 * more, it has its effect once all the same, since the inbox knows its event. One that cannot be put back stays where it
 * is and stops none of those behind it; an outage leaves the rest untried.
 * @returns what became of each that was selected, in their order
 */
export async function replay(
  { rabbitmq, ordersDb }: LiveSystem,
  publisher: Publisher,
  selection: Selection,
  operator: Operator,
): Promise<Replayed[]> {
  return withDeadLetters(rabbitmq, async (letters, channel) => {
    let outage: string | undefined;
    const results: Replayed[] = [];
    for (const letter of letters.filter((each) => isSelected(each, selection))) {
      try {
        if (!outage && !(await isUpSoon(publisher))) outage = 'RabbitMQ takes no messages';
        if (outage) throw new Error(`not tried: ${outage}`);
        await noteAction(ordersDb, operator, {
          ...{ action: 'replay', orderId: letter.orderId ?? null, detail: nameOf(letter) },
        });
        await putBack(letter, publisher, operator);
        takeOut(letter, channel);
        results.push({ letter });
      } catch (error) {
        const failure = error instanceof Error ? error.message : String(error);
        if (error instanceof ChannelLost || isPostgresOutage(error)) outage ??= failure;
        results.push({ letter, failure });
      }
    }
    return results;
  });
}

/**
 * Takes one dead letter away for good; its content stays in the record of the action.
 * @returns undefined when there is none with that id
 */
export async function discard(
  { rabbitmq, ordersDb }: LiveSystem,
  messageId: string,
  operator: Operator,
): Promise<DeadLetter | undefined> {
  return withDeadLetters(rabbitmq, async (letters, channel) => {
    const letter = letters.find((each) => isSelected(each, { messageId }));
    if (!letter) return undefined;
    const { content, properties } = letter.message;
    const detail = { ...nameOf(letter), content: content.toString('base64'), properties };
    await noteAction(ordersDb, operator, { action: 'discard', orderId: letter.orderId ?? null, detail });
    takeOut(letter, channel);
    return letter;
  });
}

/** True when a name from a message is the one that somebody typed, as it is or as it was printed. */
export function isCalled(name: string, typed: string): boolean {
  return name === typed || printable(name) === typed;
}

function isSelected({ messageId, type }: DeadLetter, selection: Selection): boolean {
  if (selection === 'all') return true;
  return 'type' in selection ? isCalled(type, selection.type) : isCalled(messageId, selection.messageId);
}

/** A message that the broker refuses closes the connection, so the publisher may have to reconnect for the next one. */
async function isUpSoon(publisher: Publisher): Promise<boolean> {
  for (const end = Date.now() + publisherUpTimeoutMs; !publisher.isUp() && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, publisherPollMs));
  }
  return publisher.isUp();
}

/** @throws NotPublished when no queue took it, or it cannot be sent at all */
async function putBack(letter: DeadLetter, publisher: Publisher, { who, reason }: Operator): Promise<void> {
  const { content, properties } = letter.message;
  // The broker refuses a message in another user's name, and one that was replayed must not expire on its way.
  const { userId: _userId, expiration: _expiration, ...kept } = properties as Options.Publish;
  const headers = Object.entries(properties.headers ?? {}).filter(
    ([name]) => !dropped.test(name) && !isCopyHeader(name),
  );
  await publisher.publish({
    exchange: '',
    routingKey: letter.queue,
    content,
    properties: {
      ...kept,
      messageId: letter.messageId,
      headers: {
        ...Object.fromEntries(headers),
        'x-replayed-by': who,
        'x-replayed-because': reason,
        'x-replayed-at': new Date().toISOString(),
      },
    },
  });
}

/** The channel that held the dead letters is gone, so all of them are back in their queue. */
class ChannelLost extends Error {
  override readonly name = 'ChannelLost';
}

/** @throws ChannelLost when it can no longer be taken out; it is still in the dead-letter queue then */
function takeOut({ message }: DeadLetter, channel: Channel): void {
  try {
    channel.ack(message);
  } catch (error) {
    throw new ChannelLost('the connection to RabbitMQ was lost, so it is still in the dead-letter queue', {
      cause: error,
    });
  }
}

function nameOf({ queue, messageId, type, reason, attempts, parkedAt }: DeadLetter): object {
  return { queue, message_id: messageId, type, parked_because: reason, attempts, parked_at: parkedAt };
}
