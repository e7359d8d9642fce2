#!/bin/bash
# One day of trouble, hurried: everything that went wrong on the recorded host. Its numbers differ from day to day.
set -u
times() { local n=$1 i; shift; for ((i = 0; i < n; i++)); do "$@" "$RANDOM"; done; }
get() { curl -s -o /dev/null -m 2 "http://127.0.0.1:8080/$1"; }
sql() { PGPASSWORD=${3:-right} timeout 10 psql -qAt -h 127.0.0.1 -U "${2:-ann}" -c "$1" shop >/dev/null 2>&1; }
as_owner() { runuser -u postgres -- psql -qAt shop -c "$1" >/dev/null 2>&1; }
login() {
    printf '#!/bin/sh\necho wrong\n' >/run/askpass; chmod 755 /run/askpass
    SSH_ASKPASS=/run/askpass SSH_ASKPASS_REQUIRE=force setsid -w ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o NumberOfPasswordPrompts=1 -o ConnectTimeout=5 "$1@127.0.0.1" true </dev/null >/dev/null 2>&1
}

page() { get "picture-$1.png"; get "app/x/$1"; }
app() { get "app/cart/$1"; get "app/stock/$1"; get "app/slow/$1"; get "app/picture/$1"; }
upstream() { get "gone/$1"; get "app/drop/$1"; get "secret/$1"; curl -s -o /dev/null --data "$(head -c 2000 /dev/zero | tr '\0' x)" "http://127.0.0.1:8080/up/$1"; }
burst() { for i in $(seq 80); do get "often/$1/$i" & done; wait; }
queries() {
    sql "selec $1"; sql "select * from orders_$1"; sql "select 1" ann wrong; sql "select 1" "user$1"
    as_owner "insert into stock values ($((1 + $1 % 50)), $1)"; as_owner "select pg_sleep(0.0$((60 + $1 % 30)))"
    as_owner "set statement_timeout = '40ms'; select pg_sleep(1), $1"
}
deadlock() {
    local a=$((1 + $1 % 50)); local b=$((a == 50 ? 1 : a + 1))
    as_owner "begin; update stock set left_over = $1 where id = $a; select pg_sleep(0.4); update stock set left_over = 0 where id = $b; commit" &
    as_owner "begin; update stock set left_over = $1 where id = $b; select pg_sleep(0.4); update stock set left_over = 0 where id = $a; commit" &
    wait
}
logins() { login root; login "admin$1"; login ann; timeout 2 bash -c 'echo hello >/dev/tcp/127.0.0.1/22'; su -s /bin/sh -c true nobody </dev/null >/dev/null 2>&1; }
units() {
    systemctl start "report@$1" nowhere unready hungry 2>/dev/null
    systemd-run -q --wait sh -c "echo '<3>batch $1 lost $((RANDOM % 90)) of $RANDOM rows'; exit 9" 2>/dev/null
    systemctl start deaf; sleep 0.2; systemctl stop deaf
    logger -p daemon.warning -t kiosk "sensor /dev/ttyUSB$((RANDOM % 4)) answered $RANDOM ms late, id $(cat /proc/sys/kernel/random/uuid)"
    logger -p daemon.err -t kiosk "cannot reach 10.$((RANDOM % 255)).0.$((RANDOM % 255)):$RANDOM: no route to host"
}
killing() {
    systemctl kill -s KILL redis-server; for _ in 1 2 3; do get "app/cart/$1"; done; sleep 1
    kill -9 "$(pgrep -o -f 'nginx: worker')"
    systemctl kill -s KILL shop; for _ in 1 2 3; do get "app/cart/$1"; done; sleep 1
    get app/exit/1; sleep 1
    runuser -u postgres -- psql -qAt shop -c "select pg_sleep(20)" >/dev/null 2>&1 & sleep 0.3
    kill -9 "$(pgrep -o -f 'postgres: .*SELECT')"; sleep 2
}
configs() {
    cp /etc/nginx/nginx.conf /run/nginx.conf; cp /etc/redis/redis.conf /run/redis.conf
    cat /srv/bad.conf >>/etc/nginx/nginx.conf; systemctl reload nginx 2>/dev/null; systemctl restart nginx 2>/dev/null
    echo "maxmemory-policy $1" >>/etc/redis/redis.conf; systemctl restart redis-server 2>/dev/null; get "app/cart/$1"
    cat /run/nginx.conf >/etc/nginx/nginx.conf; cat /run/redis.conf >/etc/redis/redis.conf
    systemctl reset-failed; systemctl restart nginx redis-server
    printf 'GET / HTTP/1.0\r\nHost: x\r\n\r\n' | timeout 1 bash -c 'cat >/dev/tcp/127.0.0.1/6379'
}
hosts_own() {
    systemctl start apt-daily man-db logrotate 2>/dev/null
    dpkg -i /srv/debs/ucf*.deb >/dev/null 2>&1; dpkg -i /srv/bad.conf >/dev/null 2>&1
    systemctl reload ssh; systemctl restart "postgresql@15-main"
}
hang() { get "app/hang/$1"; }

round() {
    times 12 page; times 10 app; times 4 upstream; times 3 queries; times 2 units; times 1 logins
    times 1 deadlock; times 1 burst; times 1 hang; times 1 killing; times 1 configs; times 1 hosts_own
}
for _ in 1 2; do round; done
while ((SECONDS < 130)); do times 3 page; times 1 queries; sleep 1; done # cron has had its minutes
