import type { SearchAttributeType } from '@temporalio/common';
import type { NativeConnection } from '@temporalio/worker';
import proto from '@temporalio/proto';

/** The names and types that a namespace must have before a workflow may use them. */
export type SearchAttributeTypes = Readonly<Record<string, SearchAttributeType>>;

const { IndexedValueType } = proto.temporal.api.enums.v1;

/** The numbers of the types in Temporal's API. */
export const indexedValueTypes = {
  TEXT: IndexedValueType.INDEXED_VALUE_TYPE_TEXT,
  KEYWORD: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  INT: IndexedValueType.INDEXED_VALUE_TYPE_INT,
  DOUBLE: IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
  BOOL: IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
  DATETIME: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
  KEYWORD_LIST: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
} as const satisfies Record<SearchAttributeType, number>;

/**
 * Registers the search attributes that the namespace lacks and leaves the others alone. Several processes may call it
 * at once. Where an application may not register them (Temporal Cloud), create them beforehand with the tools of
 * the provider.
 * @returns the names that it has registered
 * @throws the SDK's error when the server is unavailable or refuses the request
 */
export async function ensureSearchAttributes(
  connection: NativeConnection,
  namespace: string,
  wanted: SearchAttributeTypes,
): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.entries(wanted).filter(([name]) => !(name in customAttributes));
  if (missing.length === 0) return [];
  await connection.operatorService
    .addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, indexedValueTypes[type]])),
    })
    .catch((error: unknown) => {
      if (!/already exist/i.test(String(error))) throw error;
    });
  return missing.map(([name]) => name);
}
