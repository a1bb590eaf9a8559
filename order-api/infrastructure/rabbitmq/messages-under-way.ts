import type { Publisher } from '../../../infra/rabbitmq/publisher.js';
import { deadLetterQueueOf } from '../../../infra/rabbitmq/topology.js';
import { orderTopology } from '../../../workflows/order-events.js';
import type { MessagesUnderWay } from '../../application/ports.js';

/** The queues between the services and what was parked of them, asked over the publisher's channel. */
export function createMessagesUnderWay(publisher: Publisher): MessagesUnderWay {
  const queues = orderTopology.queues.flatMap(({ name }) => [name, deadLetterQueueOf(name)]);
  return {
    areNone: async () => {
      const depths = await Promise.allSettled(queues.map((queue) => publisher.depthOf(queue)));
      return depths.every((depth) => depth.status === 'fulfilled' && depth.value === 0);
    },
  };
}
