#!/usr/bin/env bash
# A PostgreSQL of this example's own, with the table in it:
#
#	cluster.sh start DIR PORT    makes it in DIR, which must not exist
#	cluster.sh stop DIR          ends it and removes DIR
#
# It needs initdb and pg_ctl: Debian's package postgresql, or any other. They
# refuse to run as root, who becomes the user postgres for them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

command=${1:?start or stop} dir=${2:?a folder} port=${3:-}

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
export PATH="${bin:+$bin:}$PATH"

as() {
	if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi
}

case $command in
start)
	mkdir -m 700 "$dir"
	[ "$(id -u)" != 0 ] || chown postgres: "$dir"
	cd "$dir"
	as initdb -D "$dir/data" -U postgres --auth-local=trust --auth-host=scram-sha-256 --no-sync >/dev/null
	as pg_ctl -D "$dir/data" -l "$dir/log" -w start >/dev/null \
		-o "-c listen_addresses=127.0.0.1 -p $port -c unix_socket_directories=$dir -c fsync=off"
	as createdb -h "$dir" -p "$port" -U postgres ledger
	as psql -h "$dir" -p "$port" -U postgres -d ledger -q -v ON_ERROR_STOP=1 -f - <"$here/schema.sql"
	;;
stop)
	cd "$dir"
	as pg_ctl -D "$dir/data" -m fast -w stop >/dev/null
	cd / && rm -rf "$dir"
	;;
esac
