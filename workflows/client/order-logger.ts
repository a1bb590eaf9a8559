import type { Logger } from '../../infra/runtime/logger.js';
import { traceIdOf } from '../../infra/runtime/trace-context.js';

/** Returns a logger that adds the order id and the trace id of `traceparent`, if known, to every line. */
export function orderLogger(logger: Logger, orderId: string | undefined, traceparent?: string): Logger {
  return logger.child({ order_id: orderId, trace_id: traceIdOf(traceparent) });
}
