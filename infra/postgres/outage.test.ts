import assert from 'node:assert/strict';
import pg from 'pg';
import { isPostgresOutage, PostgresUnavailable } from './outage.js';

describe('a Postgres outage', () => {
  const outageStates = {
    '08006': 'connection failure',
    '08P01': 'protocol violation, as reported by a connection pooler',
    '0A000': 'feature not supported, as reported by a connection pooler or an older server',
    '25006': 'read-only server during a failover',
    '25P02': 'failed transaction',
    '25P03': 'idle-in-transaction timeout',
    '28000': 'login not permitted',
    '28P01': 'wrong password',
    '3D000': 'no such database',
    '3F000': 'no such schema',
    '40001': 'serialization failure',
    '40003': 'statement whose effect is unknown',
    '40P01': 'deadlock',
    '42501': 'privilege revoked',
    '42703': 'no such column, during a migration',
    '42P01': 'no such table, during a migration',
    '53100': 'disk full',
    '53300': 'too many connections',
    '55P03': 'lock timeout',
    '57014': 'statement timeout',
    '57P01': 'admin shutdown',
    '57P02': 'crash shutdown',
    '57P03': 'still starting',
    '57P05': 'idle session timeout',
    '58030': 'I/O error',
    F0000: 'configuration file error',
    HV000: 'foreign server',
    XX000: 'internal error',
    XX001: 'data corrupted',
    '99999': 'an unknown class',
  };
  for (const [code, meaning] of Object.entries(outageStates)) {
    it(`is SQLSTATE ${code}, ${meaning}`, () => assert.equal(isPostgresOutage(databaseError(code)), true));
  }

  const otherStates = {
    '21000': 'cardinality violation',
    '22003': 'numeric value out of range',
    '22021': 'character not in repertoire, such as NUL',
    '22P02': 'invalid text representation',
    '22P05': 'untranslatable character',
    '23502': 'not null violation',
    '23505': 'unique violation',
    '23514': 'check violation',
    '42601': 'syntax error',
    '44000': 'with check option violation',
    '54000': 'row too large for an index',
    P0001: 'an exception that a trigger raises',
  };
  for (const [code, meaning] of Object.entries(otherStates)) {
    it(`is not SQLSTATE ${code}, ${meaning}`, () => assert.equal(isPostgresOutage(databaseError(code)), false));
  }

  const connectionCodes = [
    ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ENOTFOUND'],
    ...['EADDRNOTAVAIL', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ERR_SOCKET_CLOSED', 'ERR_STREAM_DESTROYED'],
    ...[
      'CERT_HAS_EXPIRED',
      'CERT_NOT_YET_VALID',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'EPROTO',
    ],
    ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ];
  for (const code of connectionCodes) {
    it(`is an error with the code ${code}`, () => {
      assert.equal(isPostgresOutage(Object.assign(new Error('connect'), { code })), true);
    });
  }

  const reasons = {
    'a refused login': databaseError('28P01'),
    'a setting that the server does not accept': databaseError('22023'),
    'a certificate that cannot be read': new TypeError('bad certificate'),
    'something that is not an error': 'no',
  };
  for (const [what, reason] of Object.entries(reasons)) {
    it(`is every failure to connect, such as ${what}`, () => {
      const error = new PostgresUnavailable(reason);
      assert.equal(isPostgresOutage(error), true);
      assert.equal(error.cause, reason);
    });
  }

  it('keeps the code and the message of the reason for a failure to connect', () => {
    const error = new PostgresUnavailable(databaseError('28P01'));
    assert.deepEqual([error.code, error.message], ['28P01', 'Postgres is unavailable: it failed']);
  });

  it('is a failure to reach any address of a host name', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    assert.equal(isPostgresOutage(new AggregateError([refused, refused])), true);
    assert.equal(isPostgresOutage(new AggregateError([new Error('x')])), false);
  });

  const messages = [
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Connection terminated',
    'timeout exceeded when trying to connect',
    'timeout expired', // from a client without a pool when the server did not respond in time
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
    'The server does not support SSL connections',
    'Cannot use a pool after calling end on the pool',
  ];
  for (const message of messages) {
    it(`is a node-postgres error with the message "${message}"`, () =>
      assert.equal(isPostgresOutage(new Error(message)), true));
  }

  it('is not any other error: an unknown one is attributed to the message or the code', () => {
    for (const error of [new Error('it broke'), new TypeError('x is undefined'), 'ECONNREFUSED', undefined, null, {}]) {
      assert.equal(isPostgresOutage(error), false);
    }
    for (const code of ['ENOENT', 'ERR_INVALID_ARG_TYPE', 'ERR_OUT_OF_RANGE', 'ERR_BUFFER_OUT_OF_BOUNDS']) {
      assert.equal(isPostgresOutage(Object.assign(new RangeError('cannot be encoded'), { code })), false);
    }
  });
});

function databaseError(code: string): pg.DatabaseError {
  const error = new pg.DatabaseError('it failed', 0, 'error');
  error.code = code;
  return error;
}
