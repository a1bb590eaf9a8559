import assert from 'node:assert/strict';
import { SearchAttributeType } from '@temporalio/common';
import { createTestNamespace, type TestNamespace } from '../dev/testing/test-namespace.js';
import { ensureSearchAttributes } from './search-attributes.js';

describe('the registration of search attributes', () => {
  let temporal: TestNamespace;
  before(async () => {
    temporal = await createTestNamespace();
  });
  after(() => temporal.close());

  const ensure = (wanted: Record<string, SearchAttributeType>) =>
    ensureSearchAttributes(temporal.connection, temporal.namespace, wanted);
  const registered = async () => {
    const { namespace } = temporal;
    return (await temporal.connection.operatorService.listSearchAttributes({ namespace })).customAttributes;
  };

  it('registers those that the namespace lacks, with their types, and returns their names', async () => {
    const before = await registered();
    const wanted = { TestText: SearchAttributeType.TEXT, TestCount: SearchAttributeType.INT };
    assert.deepEqual((await ensure(wanted)).sort(), ['TestCount', 'TestText']);
    const after = await registered();
    assert.deepEqual(Object.keys(after).sort(), [...Object.keys(before), 'TestCount', 'TestText'].sort());
    assert.notEqual(after['TestText'], after['TestCount']);
  });

  it('leaves those that the namespace has alone', async () => {
    const wanted = { TestKept: SearchAttributeType.KEYWORD };
    await ensure(wanted);
    const before = await registered();
    assert.deepEqual(await ensure(wanted), []);
    assert.deepEqual(await registered(), before);
  });

  it('succeeds for several processes at once', async () => {
    const wanted = { TestShared: SearchAttributeType.KEYWORD_LIST };
    await Promise.all(Array.from({ length: 5 }, () => ensure(wanted)));
    assert.ok('TestShared' in (await registered()));
  });

  it('fails when the namespace does not exist', async () => {
    const wanted = { TestNowhere: SearchAttributeType.BOOL };
    await assert.rejects(ensureSearchAttributes(temporal.connection, 'nowhere', wanted));
  });
});
