import type pg from 'pg';

/** The services' own schemas, without the table of the migration tool. */
const described = `nspname in ('public', 'operations') and relname <> 'migrations'`;

interface Relation {
  readonly name: string;
  readonly kind: 'table' | 'view';
  readonly lines: string[];
}

/**
 * Returns the schema of a database as text in a stable order: tables with their columns, constraints and indexes, and
 * views with their queries. Databases with the same text accept and refuse the same rows. The definitions come from
 * PostgreSQL itself (`pg_get_constraintdef`, `pg_get_indexdef`, `pg_get_viewdef`).
 */
export async function describeSchema(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<Relation>(
    `select nspname || '.' || relname as name,
       case relkind when 'v' then 'view' else 'table' end as kind,
       case relkind when 'v' then string_to_array(pg_get_viewdef(relation.oid, true), E'\\n') else
         (select array_agg(line order by part, place) from (
           select 1 as part, attnum as place,
             attname || ' ' || format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end
               || case attidentity when 'a' then ' generated always as identity' else '' end
               || coalesce(' default ' || pg_get_expr(adbin, adrelid), '')
               || coalesce(' statistics ' || attstattarget, '') as line
           from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
           where attrelid = relation.oid and attnum > 0 and not attisdropped
           union all
           select 2, row_number() over (order by conname), 'constraint ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid)
           from pg_constraint where conrelid = relation.oid and contype <> 'n'
           union all
           select 3, row_number() over (order by indexrelid::regclass::text), pg_get_indexdef(indexrelid)
           from pg_index where indrelid = relation.oid
             and not exists (select from pg_constraint where conindid = indexrelid and conrelid = relation.oid)
         ) as parts) end as lines
     from pg_class as relation join pg_namespace on pg_namespace.oid = relnamespace
     where relkind in ('r', 'v') and ${described}
     order by (nspname || '.' || relname) collate "C"`,
  );
  return rows
    .map(({ kind, name, lines }) => [`${kind} ${name}`, ...lines.map((line) => `  ${line}`), ''].join('\n'))
    .join('\n');
}
