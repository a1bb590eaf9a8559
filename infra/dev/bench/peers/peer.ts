import { readFileSync } from 'node:fs';

/** What advances an order in place of Temporal. */
export type PeerName = 'dbos' | 'restate' | 'outbox-library';

/** Tells the processes of a peer which peer they belong to. */
export const peerVariable = 'PEER';

/** An alternative that a reader could use instead of this system. */
export interface Peer {
  readonly name: PeerName;
  readonly title: string;
  /** Its packages with their licences. */
  readonly packages: Readonly<Record<string, string>>;
  /** What to keep in mind when its figures are compared with this system's. */
  readonly differences: readonly string[];
}

export const peers: readonly Peer[] = [
  {
    name: 'dbos',
    title: 'DBOS workflow per order',
    packages: { '@dbos-inc/dbos-sdk': 'MIT' },
    differences: [
      'needs no server of its own: its workflows are rows in the order database, with synchronous commit',
      'has workflows in the order API only; as in this system, a message is acknowledged once its outcome is published',
      'has no web UI here: its vendor offers one as a separate service',
    ],
  },
  {
    name: 'restate',
    title: 'Restate workflow per order',
    packages: {
      '@restatedev/restate-server': 'BSL 1.1',
      '@restatedev/restate-sdk': 'MIT',
      '@restatedev/restate-sdk-clients': 'MIT',
    },
    differences: [
      'keeps its workflows in its own log on one node instead of in Postgres, and flushes the log before it responds',
      'has workflows in the order API only; as in this system, a message is acknowledged once its outcome is published',
      'runs with Promise.withResolvers added to Node 20, since its SDK expects it from Node 22',
    ],
  },
  {
    name: 'outbox-library',
    title: 'pg-transactional-outbox on both sides',
    packages: { 'pg-transactional-outbox': 'MIT' },
    differences: [
      'polls every 100 ms (default 500) for up to 100 messages (default 5), all of them in parallel',
      'leaves a message for 5 s when a poll locks it while it is about to be published: the tail of its latencies',
      'publishes what was committed and nothing more: it does not notice an order whose outcome never arrives',
      "offers no way to read an order's progress",
    ],
  },
];

/** Something that a peer needs is not available on this machine, so the peer is skipped. */
export class PeerUnavailable extends Error {
  override readonly name = 'PeerUnavailable';
}

/** Returns the pinned version of one of the peers' packages. */
export function pinnedVersion(name: string): string {
  const text = readFileSync(new URL('packages/package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { dependencies: Record<string, string> }).dependencies[name] ?? 'unknown';
}
