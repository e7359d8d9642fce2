#!/bin/bash
# Makes of a fresh test host the host that is recorded: nginx before a shop, redis and PostgreSQL behind it, cron, sshd.
set -euo pipefail
dpkg --unpack /srv/debs/*.deb && dpkg --configure -a
systemctl unmask -q cron ssh
install -d /srv/shop /etc/shop
cat >/etc/nginx/nginx.conf <<'NGINX'
user www-data; worker_processes 2; pid /run/nginx.pid; error_log /var/log/nginx/error.log info;
events { worker_connections 200; }
http {
  access_log /var/log/nginx/access.log;
  limit_req_zone $binary_remote_addr zone=one:1m rate=50r/s;
  client_max_body_size 1k;
  server {
    listen 127.0.0.1:8080; root /var/www/html; proxy_read_timeout 1s; proxy_connect_timeout 1s;
    location /secret { deny all; }
    location /often { limit_req zone=one; }
    location /app/ { proxy_pass http://127.0.0.1:8300/; }
    location /gone/ { proxy_pass http://127.0.0.1:8399/; }
  }
}
NGINX
cat >/etc/systemd/system/shop.service <<'UNIT'
[Service]
ExecStart=/usr/bin/python3 /opt/shop.py 8300
User=postgres
Restart=on-failure
RestartSec=200ms
StartLimitIntervalSec=0
[Install]
WantedBy=multi-user.target
UNIT
cat >/etc/systemd/system/report@.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo "<4>report %i: 17 rows were skipped"; exit 3'
SyslogLevelPrefix=yes
UNIT
cat >/etc/systemd/system/hungry.service <<'UNIT'
[Service]
MemoryMax=12M
MemorySwapMax=0
ExecStart=/usr/bin/python3 -c 'x = [b"x" * 2**20 for _ in range(200)]'
UNIT
cat >/etc/systemd/system/deaf.service <<'UNIT'
[Service]
ExecStart=/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'
TimeoutStopSec=1s
UNIT
cat >/etc/systemd/system/unready.service <<'UNIT'
[Service]
Type=notify
ExecStart=/bin/sleep 60
TimeoutStartSec=1s
UNIT
printf '[Service]\nExecStart=/opt/no-such-program\n' >/etc/systemd/system/nowhere.service
cat >>/etc/postgresql/15/main/postgresql.conf <<'CONF'
max_connections = 20
log_min_duration_statement = 50ms
log_connections = on
log_checkpoints = on
deadlock_timeout = 200ms
CONF
cat >/etc/cron.d/shop <<'CRON'
* * * * * root echo "cannot copy /srv/shop/$(date +\%s).tar: quota exceeded" >&2; exit 1
* * * * * www-data test -d /nowhere
* * * * * root opsagent job nightly -- sh -c 'exit 4'
* * * * * root logger -p cron.err -t prune "pruned $(date +\%N) of $$ rows, 3 were locked"
CRON
cat >/etc/opsagent/opsagent.yaml <<'YAML'
host: web-1
checks:
- {name: shop, kind: http, url: "http://127.0.0.1:8300/", unit: shop.service, every: 5s}
- {name: nginx, kind: unit, unit: nginx.service}
- {name: nightly, kind: job, cron: "* * * * *"}
YAML
chown root:opsagent /etc/opsagent/opsagent.yaml; chmod 640 /etc/opsagent/opsagent.yaml
opsagent install --refresh
printf 'max_connections ohne Strichpunkt\n' >/srv/bad.conf
useradd -m -s /bin/bash ann
systemctl daemon-reload
systemctl start postgresql@15-main redis-server shop nginx cron ssh opsagent
runuser -u postgres -- psql -qc "create database shop" -c "create role ann login password 'right'"
runuser -u postgres -- psql -q shop -c "create table stock (id int primary key, left_over int)" \
    -c "insert into stock select n, n from generate_series(1, 50) n"
