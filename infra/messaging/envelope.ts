import { z } from 'zod';
import { boundedText } from '../runtime/bounded-text.js';
import { traceIdOf } from '../runtime/trace-context.js';
import type { StoredOutboxMessage } from './outbox.js';

export const envelopeContentType = 'application/cloudevents+json';

/** Four times the limit of the HTTP API for an order. A larger body is not parsed. */
const maxBodyBytes = 262_144;
/** A body can have thousands of problems; the first few are enough. */
const maxProblems = 10;
const maxNameLength = 100;

/** CloudEvents 1.0 in structured JSON mode, with the extension `dataversion`. Unknown attributes are ignored. */
const envelopeSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(128),
  source: z.string().min(1),
  type: z.string().min(1),
  subject: z.string().min(1),
  time: z
    .string()
    .toUpperCase()
    .pipe(z.iso.datetime({ offset: true })), // RFC 3339 allows lower-case `t` and `z`
  dataversion: z.string().min(1),
  data: z.unknown(),
});

export type Envelope = z.output<typeof envelopeSchema>;

/** A message that can never be read as it is: no retry will help, and an operator has to look at it. */
export class UnreadableMessage extends Error {
  override readonly name = 'UnreadableMessage';
  /** Empty, because the message is wrong and not the code. Logging a stack costs more than the rest of the line. */
  override readonly stack = '';

  constructor(reason: string) {
    super(boundedText(reason));
  }
}

/** The parts of a received message that are read. The sender may have set the properties to anything. */
export interface ReceivedMessage {
  readonly content: Buffer;
  readonly properties: {
    readonly contentType?: unknown;
    readonly headers?: Readonly<Record<string, unknown>> | undefined;
  };
}

/** The wire format of one event type. */
export interface EventContract<Data> {
  readonly type: string;
  readonly dataversion: string;
  readonly data: z.ZodType<Data>;
}

/** Builds the event on the wire from an outbox row alone, so each time it is published it has the same bytes. */
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
 * Reads the event in a message, which must be in structured mode and UTF-8.
 * @throws UnreadableMessage that says what is wrong with the message
 */
export function readMessage<Data>({ content, properties }: ReceivedMessage, contract: EventContract<Data>) {
  const contentType = typeof properties.contentType === 'string' ? properties.contentType : '';
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType) ?? [];
  if (!/^utf-?8$/i.test(charset)) throw new UnreadableMessage(`body is in the charset ${charset}, not in UTF-8`);
  const isStructured = contentType.toLowerCase().startsWith('application/cloudevents');
  if (!isStructured && Object.keys(properties.headers ?? {}).some((name) => /^cloudEvents[:_]/i.test(name))) {
    throw new UnreadableMessage('CloudEvents in binary mode are not supported; send the event in structured mode');
  }
  return readEvent(content, contract.type, contract.dataversion, contract.data);
}

/**
 * Reads the event of the given type and data version in a message's body. If a key occurs twice, the last one counts.
 * @throws UnreadableMessage that says what is wrong with the body
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
    throw new UnreadableMessage(`body has ${body.length} bytes, more than the limit of ${maxBodyBytes}`);
  }
  const text = decode(body);
  try {
    return JSON.parse(text, /\\ud[89a-f]/i.test(text) ? refuseLoneSurrogate : undefined);
  } catch (error) {
    throw new UnreadableMessage(`body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Refuses half a surrogate pair, which only an escape can produce: Postgres would replace all of them alike. */
function refuseLoneSurrogate(key: string, value: unknown): unknown {
  if ([key, value].some((text) => typeof text === 'string' && /\p{Surrogate}/u.test(text))) {
    throw new SyntaxError('a lone surrogate is not a character');
  }
  return value;
}

function decode(body: Buffer): string {
  try {
    // Replacing invalid bytes would turn different texts into the same one.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new UnreadableMessage('body is not UTF-8');
  }
}

/** Returns the `traceparent` of a stored or received message, or undefined if it is missing or malformed. */
export function traceOf(headers: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const traceparent = headers?.['traceparent'];
  return typeof traceparent === 'string' && traceIdOf(traceparent) ? traceparent : undefined;
}
