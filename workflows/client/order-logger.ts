import type { Logger } from '../../infra/runtime/logger.js';
import { traceIdOf } from '../../infra/runtime/trace-context.js';

/** A logger whose every line names the order and the trace of `traceparent`, each as far as it is known. */
export function orderLogger(logger: Logger, orderId: string | undefined, traceparent?: string): Logger {
  return logger.child({ order_id: orderId, trace_id: traceIdOf(traceparent) });
}
