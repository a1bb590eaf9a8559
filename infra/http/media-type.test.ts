import assert from 'node:assert/strict';
import { isJsonInUtf8, isUnencoded } from './media-type.js';

describe('a media type', () => {
  const json = [
    'application/json',
    'Application/JSON',
    'APPLICATION/JSON; CHARSET=UTF-8',
    'application/json;charset=utf-8',
    'application/json ;charset=utf-8',
    'application/json\t;\t charset=Utf-8 ',
    'application/json; charset="utf-8"',
    'application/json; charset="UTF\\-8"',
    'application/json;',
    'application/json; ; charset=utf-8;',
    'application/json; profile="a;charset=latin1"; charset=utf-8',
    'application/json; version=1',
  ];
  for (const type of json) it(`is JSON in UTF-8 when it is ${type}`, () => assert.ok(isJsonInUtf8(type)));

  const other = [
    '',
    'application',
    'text/json',
    'text/plain',
    'application/jsonp',
    'application/json5',
    'application/problem+json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=iso-8859-1',
    'application/json; charset=utf-16',
    'application/json; charset=utf-8; charset=latin1',
    'application/json; charset=',
    'application/json; charset',
    'application/json; charset =utf-8',
    'application/json; charset=utf-8"',
    'application/json charset=utf-8',
    'application/json, text/plain',
    'application /json',
  ];
  for (const type of other)
    it(`is not JSON in UTF-8 when it is ${type || 'empty'}`, () => assert.ok(!isJsonInUtf8(type)));

  it('is matched without backtracking, however long it is', () => {
    for (const part of [' ; ', ';', '; a=b', `; a="${'x'.repeat(20)}"`, ' ', '\t;\t ', 'a']) {
      assert.equal(isJsonInUtf8(`application/json${part.repeat(16_000 / part.length)}\u0001`), false);
    }
  });
});

describe('a content coding', () => {
  for (const coding of ['', 'identity', 'Identity', ' identity , IDENTITY ']) {
    it(`leaves the content unchanged when it is ${coding || 'empty'}`, () => assert.ok(isUnencoded(coding)));
  }
  for (const coding of [
    'gzip',
    'GZIP',
    'x-gzip',
    'X-GZip',
    'deflate',
    'br',
    'zstd',
    'compress',
    'identity, gzip',
    '*',
  ]) {
    it(`changes the content when it is ${coding}`, () => assert.ok(!isUnencoded(coding)));
  }
});
