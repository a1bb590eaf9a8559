import type { Options } from 'amqplib';
import type { Publisher } from '../rabbitmq/publisher.js';
import { withDeadLetters, type DeadLetter } from './dead-letters.js';
import type { LiveSystem } from './live-system.js';
import { noteAction, type Operator } from './operator-actions.js';

/** Which parked messages are meant. */
export type Selection = { readonly messageId: string } | { readonly type: string } | 'all';

/** What the park has added to a message; a replayed one starts afresh. */
const parkHeaders = /^x-(dead-letter|original|first-death|last-death|death|delivery-count)/;

/**
 * Puts parked messages back into the queue they came from, under the id they have, with who did it and why in their
 * headers, and only then takes them out of the dead-letter queue. Cut off in between, a message is in both; replayed once
 * more, it has its effect once all the same, since the inbox knows its event.
 * @returns those that were replayed
 * @throws NotPublished when one could not be put back; it and those after it are still parked
 */
export async function replay(
  { rabbitmq, ordersDb }: LiveSystem,
  publisher: Publisher,
  selection: Selection,
  operator: Operator,
): Promise<DeadLetter[]> {
  return withDeadLetters(rabbitmq, async (letters, channel) => {
    const chosen = letters.filter((letter) => isSelected(letter, selection));
    for (const letter of chosen) {
      await noteAction(ordersDb, operator, {
        action: 'replay',
        orderId: letter.orderId ?? null,
        detail: nameOf(letter),
      });
      await publisher.publish({
        exchange: '',
        routingKey: letter.queue,
        content: letter.message.content,
        properties: {
          ...(letter.message.properties as Options.Publish),
          messageId: letter.messageId,
          headers: {
            ...withoutParkHeaders(letter.message.properties.headers),
            'x-replayed-by': operator.who,
            'x-replayed-because': operator.reason,
            'x-replayed-at': new Date().toISOString(),
          },
        },
      });
      channel.ack(letter.message);
    }
    return chosen;
  });
}

/**
 * Takes one parked message away for good; its content stays in the note of the action.
 * @returns undefined when there is none with that id
 */
export async function discard(
  { rabbitmq, ordersDb }: LiveSystem,
  messageId: string,
  operator: Operator,
): Promise<DeadLetter | undefined> {
  return withDeadLetters(rabbitmq, async (letters, channel) => {
    const letter = letters.find((each) => each.messageId === messageId);
    if (!letter) return undefined;
    const { content, properties } = letter.message;
    const detail = { ...nameOf(letter), content: content.toString('base64'), properties };
    await noteAction(ordersDb, operator, { action: 'discard', orderId: letter.orderId ?? null, detail });
    channel.ack(letter.message);
    return letter;
  });
}

function isSelected({ messageId, type }: DeadLetter, selection: Selection): boolean {
  if (selection === 'all') return true;
  return 'type' in selection ? type === selection.type : messageId === selection.messageId;
}

function withoutParkHeaders(headers: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !parkHeaders.test(name)));
}

function nameOf({ queue, messageId, type, reason, attempts, parkedAt }: DeadLetter): object {
  return { queue, message_id: messageId, type, parked_because: reason, attempts, parked_at: parkedAt };
}
