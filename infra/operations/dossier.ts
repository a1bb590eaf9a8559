/** Everything that is known of one order, on both sides. The tables are those of the services' migrations. */
export interface Dossier {
  readonly orderId: string;
  /** Missing where only the processor, or a message, knows of it. */
  readonly order?: OrderRecord | undefined;
  readonly history: readonly HistoryRecord[];
  /** The order API's outbox and inbox. */
  readonly sent: readonly OutboxRecord[];
  readonly answersReceived: readonly InboxRecord[];
  readonly verdict?: VerdictRecord | undefined;
  /** The processor's inbox and outbox. */
  readonly received: readonly InboxRecord[];
  readonly answersSent: readonly OutboxRecord[];
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
  /** Older than published outbox rows are kept. */
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
  /** Whether the event says what the row it tells of says. */
  readonly agrees: boolean | null;
}

export interface InboxRecord {
  readonly event_key: string;
  readonly message_id: string;
  readonly received_at: string;
}

export interface VerdictRecord {
  readonly status: 'done' | 'failed';
  readonly reason: string | null;
  readonly version: number;
  readonly processed_at: string;
  readonly past_retention: boolean;
}
