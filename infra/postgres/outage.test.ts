import assert from 'node:assert/strict';
import pg from 'pg';
import { isPostgresOutage } from './outage.js';

describe('a Postgres outage', () => {
  const passing = {
    '08006': 'connection failure',
    '08P01': 'protocol violation, as a pooler between gives it',
    '25006': 'read-only server during a failover',
    '25P03': 'idle-in-transaction timeout',
    '40001': 'serialization failure',
    '40P01': 'deadlock',
    '53100': 'disk full',
    '53300': 'too many connections',
    '55P03': 'lock timeout',
    '57014': 'statement timeout',
    '57P01': 'admin shutdown',
    '57P02': 'crash shutdown',
    '57P03': 'still starting',
    '58030': 'I/O error',
  };
  for (const [code, meaning] of Object.entries(passing)) {
    it(`is SQLSTATE ${code}, ${meaning}`, () => assert.equal(isPostgresOutage(databaseError(code)), true));
  }

  const lasting = {
    '22003': 'numeric value out of range',
    '22021': 'character not in repertoire',
    '22P02': 'invalid text representation',
    '23505': 'unique violation',
    '23514': 'check violation',
    '25P02': 'in a failed transaction',
    '28P01': 'wrong password',
    '3D000': 'no such database',
    '40003': 'statement whose effect is unknown',
    '42601': 'syntax error',
    '42P01': 'no such table',
  };
  for (const [code, meaning] of Object.entries(lasting)) {
    it(`is not SQLSTATE ${code}, ${meaning}`, () => assert.equal(isPostgresOutage(databaseError(code)), false));
  }

  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN']) {
    it(`is a socket's ${code}`, () => {
      assert.equal(isPostgresOutage(Object.assign(new Error('connect'), { code })), true);
    });
  }

  it('is the failure of every address of a name', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    assert.equal(isPostgresOutage(new AggregateError([refused, refused])), true);
    assert.equal(isPostgresOutage(new AggregateError([new Error('x')])), false);
  });

  const messages = [
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Connection terminated',
    'timeout exceeded when trying to connect',
    'timeout expired', // a client of its own, without a pool, that the server did not answer in time
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
  ];
  for (const message of messages) {
    it(`is node-postgres saying "${message}"`, () => assert.equal(isPostgresOutage(new Error(message)), true));
  }

  it('is nothing else: an unknown error counts as a fault of the message or the code', () => {
    for (const error of [new Error('it broke'), new TypeError('x is undefined'), 'ECONNREFUSED', undefined, null, {}]) {
      assert.equal(isPostgresOutage(error), false);
    }
    assert.equal(isPostgresOutage(Object.assign(new Error('open'), { code: 'ENOENT' })), false);
  });
});

function databaseError(code: string): pg.DatabaseError {
  const error = new pg.DatabaseError('it failed', 0, 'error');
  error.code = code;
  return error;
}
