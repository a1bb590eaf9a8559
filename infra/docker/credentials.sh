#!/bin/sh
# Provides the passwords of the servers in docker-compose.yml. Each is taken from the environment (.env) or generated
# once, and kept in a volume that only its server and the services that use it mount. `show` prints the addresses
# instead.
set -eu
umask 022

random_password() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

# keep DIRECTORY FILE TEXT: writes the file completely or not at all
keep() {
	printf '%s' "$3" > "/credentials/$1/$2.draft"
	mv "/credentials/$1/$2.draft" "/credentials/$1/$2"
}

# provide DIRECTORY VARIABLE GIVEN ADDRESS: keeps the password, and the address with the password in place of PASSWORD
provide() {
	directory=$1 variable=$2 given=$3 address=$4 stored=''
	case "$given" in *[!A-Za-z0-9_.~-]*)
		echo "$variable: only letters, digits and _ . ~ - are allowed, since the password becomes part of an address" >&2
		exit 1
	esac
	if [ -s "/credentials/$directory/password" ]; then stored=$(cat "/credentials/$directory/password"); fi
	if [ -n "$stored" ] && [ -n "$given" ] && [ "$stored" != "$given" ]; then
		echo "$variable is not the password that its server was created with. Unset it to use that password," \
			"or delete all data with 'docker compose down -v'." >&2
		exit 1
	fi
	password=${stored:-${given:-$(random_password)}}
	keep "$directory" address "$(printf '%s' "$address" | sed "s/PASSWORD/$password/")"
	keep "$directory" password "$password"
}

# show DIRECTORY HOST_AND_PORT_INSIDE HOST_AND_PORT_OUTSIDE
show() {
	sed "s/@$2/@$3/" "/credentials/$1/address"
	echo
}

if [ "${1:-}" = show ]; then
	show orders-db orders-db:5432 "localhost:$ORDERS_DB_PORT"
	show processor-db processor-db:5432 "localhost:$PROCESSOR_DB_PORT"
	show rabbitmq rabbitmq:5672 "localhost:$RABBITMQ_PORT"
	exit
fi
provide orders-db ORDERS_DB_PASSWORD "${ORDERS_DB_PASSWORD:-}" postgresql://orders:PASSWORD@orders-db:5432/orders
provide processor-db PROCESSOR_DB_PASSWORD "${PROCESSOR_DB_PASSWORD:-}" postgresql://processor:PASSWORD@processor-db:5432/processor
provide rabbitmq RABBITMQ_PASSWORD "${RABBITMQ_PASSWORD:-}" amqp://orders:PASSWORD@rabbitmq:5672
# Only docker-compose.temporal-server.yml mounts this directory.
if [ -d /credentials/temporal-db ]; then
	provide temporal-db TEMPORAL_DB_PASSWORD "${TEMPORAL_DB_PASSWORD:-}" postgresql://temporal:PASSWORD@temporal-db:5432/temporal
fi
