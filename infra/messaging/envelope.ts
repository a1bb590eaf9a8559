import { z } from 'zod';
import { traceIdOf } from '../runtime/trace-context.js';
import type { StoredOutboxMessage } from './outbox.js';

export const envelopeContentType = 'application/cloudevents+json';

/** CloudEvents 1.0, structured JSON, with `dataversion` as extension. Unknown attributes are ignored. */
const envelopeSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(128),
  source: z.string().min(1),
  type: z.string().min(1),
  subject: z.string().min(1),
  time: z.iso.datetime({ offset: true }),
  dataversion: z.string().min(1),
  data: z.unknown(),
});

export type Envelope = z.output<typeof envelopeSchema>;

/** A message that can never be understood as it is: no retry will help, somebody has to look at it. */
export class UnreadableMessage extends Error {
  override readonly name = 'UnreadableMessage';
  /** It is the message that is wrong, not a line of code; written out in the log, a stack costs more than all the rest. */
  override readonly stack = '';
}

/** The event on the wire for one outbox row: the same bytes at every resend, since all of it comes from the row. */
export function toEnvelope(message: StoredOutboxMessage, source: string, dataversion: string): Envelope {
  return {
    specversion: '1.0',
    id: message.id,
    source,
    type: message.type,
    subject: message.aggregateId,
    time: message.createdAt.toISOString(),
    dataversion,
    data: message.payload,
  };
}

/**
 * The event of the given type and data version in a message's body.
 * @throws UnreadableMessage saying what is wrong with it
 */
export function readEvent<Data>(body: Buffer, type: string, dataversion: string, dataSchema: z.ZodType<Data>) {
  const parsed = envelopeSchema.safeParse(parseJson(body));
  if (!parsed.success) throw new UnreadableMessage(`not a CloudEvents 1.0 envelope: ${z.prettifyError(parsed.error)}`);
  const envelope = parsed.data;
  if (envelope.type !== type) throw new UnreadableMessage(`unknown event type ${envelope.type}, expected ${type}`);
  if (envelope.dataversion !== dataversion) {
    throw new UnreadableMessage(`unknown dataversion ${envelope.dataversion} of ${type}, expected ${dataversion}`);
  }
  const data = dataSchema.safeParse(envelope.data);
  if (!data.success) throw new UnreadableMessage(`data of ${type} is invalid: ${z.prettifyError(data.error)}`);
  return { id: envelope.id, subject: envelope.subject, data: data.data };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new UnreadableMessage(`body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The trace a stored or received message belongs to, if any. */
export function traceOf(headers: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const traceparent = headers?.['traceparent'];
  return typeof traceparent === 'string' && traceIdOf(traceparent) ? traceparent : undefined;
}
