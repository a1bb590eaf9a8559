import { z } from 'zod';
import { boundedText } from '../runtime/bounded-text.js';
import { traceIdOf } from '../runtime/trace-context.js';
import type { StoredOutboxMessage } from './outbox.js';

export const envelopeContentType = 'application/cloudevents+json';

/** Four times what the HTTP interface takes for an order. A larger body is not even parsed. */
const maxBodyBytes = 262_144;
/** A body can be wrong in thousands of places; the first few say enough. */
const maxProblems = 10;
const maxNameLength = 100;

/** CloudEvents 1.0, structured JSON, with `dataversion` as extension. Unknown attributes are ignored. */
const envelopeSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(128),
  source: z.string().min(1),
  type: z.string().min(1),
  subject: z.string().min(1),
  time: z
    .string()
    .toUpperCase()
    .pipe(z.iso.datetime({ offset: true })), // RFC 3339 allows `t` and `z`
  dataversion: z.string().min(1),
  data: z.unknown(),
});

export type Envelope = z.output<typeof envelopeSchema>;

/** A message that can never be understood as it is: no retry will help, somebody has to look at it. */
export class UnreadableMessage extends Error {
  override readonly name = 'UnreadableMessage';
  /** It is the message that is wrong, not a line of code; written out in the log, a stack costs more than all the rest. */
  override readonly stack = '';

  constructor(reason: string) {
    super(boundedText(reason));
  }
}

/** What is read of a received message; the properties are whatever its sender has set. */
export interface ReceivedMessage {
  readonly content: Buffer;
  readonly properties: {
    readonly contentType?: unknown;
    readonly headers?: Readonly<Record<string, unknown>> | undefined;
  };
}

/** What a kind of event looks like on the wire. */
export interface EventContract<Data> {
  readonly type: string;
  readonly dataversion: string;
  readonly data: z.ZodType<Data>;
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
 * The event that a message brings, in structured mode and UTF-8.
 * @throws UnreadableMessage saying what is wrong with it
 */
export function readMessage<Data>({ content, properties }: ReceivedMessage, contract: EventContract<Data>) {
  const contentType = typeof properties.contentType === 'string' ? properties.contentType : '';
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType) ?? [];
  if (!/^utf-?8$/i.test(charset)) throw new UnreadableMessage(`body is in the charset ${charset}, not in UTF-8`);
  const isStructured = contentType.toLowerCase().startsWith('application/cloudevents');
  if (!isStructured && Object.keys(properties.headers ?? {}).some((name) => /^cloudEvents[:_]/i.test(name))) {
    throw new UnreadableMessage('a CloudEvent in binary mode, which is not supported; send it in structured mode');
  }
  return readEvent(content, contract.type, contract.dataversion, contract.data);
}

/**
 * The event of the given type and data version in a message's body. Of a key that is there twice, the last counts.
 * @throws UnreadableMessage saying what is wrong with it
 */
export function readEvent<Data>(body: Buffer, type: string, dataversion: string, dataSchema: z.ZodType<Data>) {
  const parsed = envelopeSchema.safeParse(parseJson(body));
  if (!parsed.success) throw new UnreadableMessage(`not a CloudEvents 1.0 envelope: ${describe(parsed.error)}`);
  const envelope = parsed.data;
  if (envelope.type !== type) {
    throw new UnreadableMessage(`unknown event type ${boundedText(envelope.type, maxNameLength)}, expected ${type}`);
  }
  if (envelope.dataversion !== dataversion) {
    const found = boundedText(envelope.dataversion, maxNameLength);
    throw new UnreadableMessage(`unknown dataversion ${found} of ${type}, expected ${dataversion}`);
  }
  const data = dataSchema.safeParse(envelope.data);
  if (!data.success) throw new UnreadableMessage(`data of ${type} is invalid: ${describe(data.error)}`);
  return { id: envelope.id, subject: envelope.subject, data: data.data };
}

function describe({ issues }: z.ZodError): string {
  const more = issues.length > maxProblems ? `\nand ${issues.length - maxProblems} more` : '';
  return z.prettifyError(new z.ZodError(issues.slice(0, maxProblems))) + more;
}

function parseJson(body: Buffer): unknown {
  if (body.length > maxBodyBytes) {
    throw new UnreadableMessage(`body has ${body.length} bytes, more than the ${maxBodyBytes} that are read`);
  }
  const text = decode(body);
  try {
    return JSON.parse(text, /\\ud[89a-f]/i.test(text) ? refuseLoneSurrogate : undefined);
  } catch (error) {
    throw new UnreadableMessage(`body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Half a character, which only an escape can bring: Postgres would store the same replacement for all of them. */
function refuseLoneSurrogate(key: string, value: unknown): unknown {
  if ([key, value].some((text) => typeof text === 'string' && /\p{Surrogate}/u.test(text))) {
    throw new SyntaxError('a lone surrogate is no character');
  }
  return value;
}

function decode(body: Buffer): string {
  try {
    // Replacing what is no UTF-8 would make one text of different ones.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new UnreadableMessage('body is not UTF-8');
  }
}

/** The trace a stored or received message belongs to, if any. */
export function traceOf(headers: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const traceparent = headers?.['traceparent'];
  return typeof traceparent === 'string' && traceIdOf(traceparent) ? traceparent : undefined;
}
