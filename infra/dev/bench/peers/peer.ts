import { readFileSync } from 'node:fs';

/** What drives an order besides our own plumbing; the processes of a peer are told by PEER. */
export type PeerName = 'dbos' | 'restate' | 'outbox-library';

export const peerVariable = 'PEER';

/** Something that a reader could take instead of this system. */
export interface Peer {
  readonly name: PeerName;
  readonly title: string;
  /** Its packages, each with the licence it comes under. */
  readonly packages: Readonly<Record<string, string>>;
  /** Where its figures do not mean the same as subject. */
  readonly differences: readonly string[];
}

export const peers: readonly Peer[] = [
  {
    name: 'dbos',
    title: 'DBOS workflow per order',
    packages: { '@dbos-inc/dbos-sdk': 'MIT' },
    differences: [
      'needs no server of its own: its workflows are rows in the database of the orders, with synchronous commit',
      'only the order API has workflows; the processor acknowledges a message when its outcome is published, as subject does',
      'no web page here: that is a separate service of its maker',
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
      'keeps its workflows in a log of its own and not in Postgres, on one node, and flushes it before it answers',
      'only the order API has workflows; the processor acknowledges a message when its outcome is published, as subject does',
      'Promise.withResolvers, which the SDK takes from Node 22, is added to Node 20',
    ],
  },
  {
    name: 'outbox-library',
    title: 'pg-transactional-outbox on both sides',
    packages: { 'pg-transactional-outbox': 'MIT' },
    differences: [
      'polls every 100 ms (its default is 500), up to 100 messages at a time (5), all of them parallel',
      'a message that its own poll has locked while it is about to be published waits 5 s: the tail of its latencies',
      'publishes what was committed, and nothing more: an order whose outcome never comes is not noticed',
      "an order's progress can be read nowhere",
    ],
  },
];

/** What the peer needs cannot be had on this machine: it is skipped. */
export class PeerUnavailable extends Error {
  override readonly name = 'PeerUnavailable';
}

/** The version of a package that the peers are pinned to. */
export function pinnedVersion(name: string): string {
  const text = readFileSync(new URL('packages/package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { dependencies: Record<string, string> }).dependencies[name] ?? 'unknown';
}
