#!/bin/sh
# Temporal's two databases and their tables: made where missing, brought up to this version where older.
set -eu

SQL_PASSWORD=$(cat /run/credentials/password)
export SQL_PASSWORD

# provide DATABASE SCHEMA
provide() {
	export SQL_DATABASE="$1"
	temporal-sql-tool create-database
	# Only the table that tells the version; a version that is there stays.
	temporal-sql-tool setup-schema --version 0.0
	temporal-sql-tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

provide temporal temporal
provide temporal_visibility visibility
