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
 * How often the broker may hand out one message before it parks it by itself. Attempts of a failing message are counted
 * by the consumer (a few); this is only the net for a message that kills the process every time. It is wide because
 * every crash also counts against the innocent neighbours that were held at that moment, and it is explicit because
 * RabbitMQ 3.10 has no default and 4.0 has 20.
 */
const deliveryLimit = 100;
/**
 * Whoever looks at parked messages takes them and puts them back, which counts as a delivery; RabbitMQ 4 would throw one
 * away after 20. A parked message stays until somebody decides.
 */
const parkedDeliveryLimit = 1_000_000_000;

export function deadLetterQueueOf(queue: string): string {
  return `${queue}.dead-letter`;
}

/**
 * Declares the whole topology; declaring it again changes nothing. Publishers and consumers both do it at each
 * (re)connect, so start order does not matter and a deleted queue or binding comes back.
 */
export async function declareTopology(channel: Channel, topology: Topology): Promise<void> {
  await channel.assertExchange(topology.exchange, 'topic', { durable: true, autoDelete: false, internal: false });
  for (const queue of topology.queues) {
    const deadLetters = deadLetterQueueOf(queue.name);
    await channel.assertQueue(deadLetters, {
      durable: true,
      arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': parkedDeliveryLimit },
    });
    await channel.assertQueue(queue.name, {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-delivery-limit': deliveryLimit,
        'x-dead-letter-exchange': '', // the default exchange routes by queue name, so no binding can go missing
        'x-dead-letter-routing-key': deadLetters,
      },
    });
    await channel.bindQueue(queue.name, topology.exchange, queue.routingKey);
  }
}
