#!/bin/sh
# Creates Temporal's two databases and their tables where they are missing, and upgrades older ones to this version.
set -eu

SQL_PASSWORD=$(cat /run/credentials/password)
export SQL_PASSWORD

# provide DATABASE SCHEMA
provide() {
	export SQL_DATABASE="$1"
	temporal-sql-tool create-database
	# This creates only the table that holds the version, and keeps a version that is already there.
	temporal-sql-tool setup-schema --version 0.0
	temporal-sql-tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

provide temporal temporal
provide temporal_visibility visibility
