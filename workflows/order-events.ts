import { z } from 'zod';
import type { Topology } from '../infra/rabbitmq/topology.js';
import { isLifecycleId } from './contract/messages.js';
import {
  amountSchema,
  idSchema,
  maxItems,
  quantitySchema,
  reasonSchema,
  skuSchema,
  versionSchema,
} from './order-grammar.js';

/**
 * The wire contract of both services: the event types, their queues and the schemas of their data. It is as strict as
 * the order API's HTTP interface: a client that can publish to the broker is trusted no more than one that can send a
 * request.
 */
export const orderCreated = {
  type: 'order.created',
  dataversion: '1',
  queue: 'processor.order-created',
  data: z.object({
    order_id: idSchema,
    customer_id: idSchema,
    items: z
      .array(z.object({ sku: skuSchema, quantity: quantitySchema, price: amountSchema }))
      .min(1)
      .max(maxItems),
    total_amount: amountSchema,
    version: versionSchema,
  }),
} as const;

export const orderProcessed = {
  type: 'order.processed',
  dataversion: '1',
  queue: 'order-api.order-processed',
  data: z
    .object({
      order_id: idSchema,
      status: z.enum(['done', 'failed']),
      reason: reasonSchema.optional(),
      version: versionSchema,
    })
    .refine((data) => data.status === 'done' || data.reason !== undefined, 'a failed order carries a reason'),
} as const;

export type OrderCreated = z.output<typeof orderCreated.data>;
export type OrderProcessed = z.output<typeof orderProcessed.data>;

/** The routing key of an event is its type. */
export const orderTopology: Topology = {
  exchange: 'orders',
  queues: [
    { name: orderCreated.queue, routingKey: orderCreated.type },
    { name: orderProcessed.queue, routingKey: orderProcessed.type },
  ],
};

/** The message header with the id of the workflow that published the event, so that the processor can signal it. */
export const workflowIdHeader = 'workflow-id';

/** Returns the id of the workflow that published a message, if the header has one and it is a valid id. */
export function publishingWorkflowOf(headers: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const workflowId = headers?.[workflowIdHeader];
  return isLifecycleId(workflowId) ? workflowId : undefined;
}

/** Returns the key of an event. The event has the same key in every message that carries it. */
export function eventKeyOf(type: string, event: { order_id: string; version: number }): string {
  return `${type}:${event.order_id}:${event.version}`;
}
