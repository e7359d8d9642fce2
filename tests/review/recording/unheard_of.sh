#!/bin/bash
# What happens on the second day only: more clients than PostgreSQL takes.
for _ in $(seq 30); do
    runuser -u postgres -- psql -qAt shop -c "select pg_sleep(4)" >/dev/null 2>&1 &
done
wait
