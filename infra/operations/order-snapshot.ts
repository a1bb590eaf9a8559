/** Everything that both services know about one order, as their `operations` views show it. */
export interface OrderSnapshot {
  readonly orderId: string;
  /** Undefined when the order API has no such order, though the processor or a message mentions it. */
  readonly order?: OrderRecord | undefined;
  readonly history: readonly HistoryRecord[];
  readonly orderApiOutbox: readonly OutboxRecord[];
  readonly orderApiInbox: readonly InboxRecord[];
  readonly outcome?: OutcomeRecord | undefined;
  readonly processorInbox: readonly InboxRecord[];
  readonly processorOutbox: readonly OutboxRecord[];
}

export interface OrderRecord {
  readonly status: 'pending' | 'done' | 'failed';
  readonly version: number;
  readonly total_amount: string;
  readonly customer_id: string;
  readonly failure_reason: string | null;
  readonly workflow_id: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  /** True when the order is older than the retention of published outbox rows. */
  readonly past_retention: boolean;
}

export interface HistoryRecord {
  readonly version: number;
  readonly type: string;
  readonly at: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface OutboxRecord {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly created_at: string;
  readonly published_at: string | null;
  readonly attempts: number;
  readonly last_error: string | null;
  /** Whether the event's content equals the row that it was written with; null when that row is missing. */
  readonly agrees: boolean | null;
}

export interface InboxRecord {
  readonly event_key: string;
  readonly message_id: string;
  readonly received_at: string;
}

export interface OutcomeRecord {
  readonly status: 'done' | 'failed';
  readonly reason: string | null;
  readonly version: number;
  readonly processed_at: string;
  readonly past_retention: boolean;
}
