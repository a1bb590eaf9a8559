import type { Channel } from 'amqplib';

interface QueueDefinition {
  readonly name: string;
  readonly routingKey: string;
}

export interface Topology {
  readonly exchange: string;
  readonly queues: readonly QueueDefinition[];
}

/**
 * How often the broker may deliver one message before it dead-letters the message itself. The consumer counts the few
 * attempts of a failing message; this limit only catches a message that crashes the process every time. It is high
 * because every crash also counts against the other messages that were held at that moment. It is explicit because
 * RabbitMQ 3.10 has no default and 4.0 has 20.
 */
const deliveryLimit = 100;
/**
 * The limit for dead-letter queues. Listing dead-lettered messages takes them and requeues them, which counts as a
 * delivery, and RabbitMQ 4 would drop a message after 20. A dead-lettered message stays until an operator replays or
 * discards it.
 */
const deadLetterDeliveryLimit = 1_000_000_000;

export function deadLetterQueueOf(queue: string): string {
  return `${queue}.dead-letter`;
}

/**
 * Declares the whole topology. Declaring it again changes nothing. Publishers and consumers both declare it each time
 * they connect, so their start order does not matter and a deleted queue or binding is restored.
 */
export async function declareTopology(channel: Channel, topology: Topology): Promise<void> {
  await channel.assertExchange(topology.exchange, 'topic', { durable: true, autoDelete: false, internal: false });
  for (const queue of topology.queues) {
    const deadLetters = deadLetterQueueOf(queue.name);
    await channel.assertQueue(deadLetters, {
      durable: true,
      arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': deadLetterDeliveryLimit },
    });
    await channel.assertQueue(queue.name, {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-delivery-limit': deliveryLimit,
        'x-dead-letter-exchange': '', // the default exchange routes by queue name, so no binding can be missing
        'x-dead-letter-routing-key': deadLetters,
      },
    });
    await channel.bindQueue(queue.name, topology.exchange, queue.routingKey);
  }
}
