"""No secret passes the door, what is harmless passes unchanged, and no text is slow to look at."""

from __future__ import annotations

import base64
import re
import string
import time
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from opsagent.redact import Redactor, redact
from opsagent.redact.rules import RULES

MARK = re.compile(r"\[redacted:[a-z-]+:\d+:[0-9a-f]{4}\]")
PEM = "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *["b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAA"] * 3])
PEM_END = "-----END OPENSSH PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"

CORPUS = [
    # kind of rule, text, what must not be left of it
    ("url", "connecting to postgres://app:hunter2@db.example:5432/app", "hunter2"),
    ("url", "redis://:hunter2@127.0.0.1:6379/0 refused", "hunter2"),
    ("url", "amqp://u:p/w@rd@mq:5672/", "p/w@rd"),
    ("url", "clone https://0123456789abcdef0123@git.example/x.git", "0123456789abcdef0123"),
    ("url", "dsn app:hunter2@tcp(127.0.0.1:3306)/app", "hunter2"),
    ("url", "dsn app:hunter2@unix(/run/mysqld.sock)/app", "hunter2"),
    ("url", "GET /blob?sv=1&sig=hunter2%3D&se=3 200", "hunter2"),
    ("header", "> Authorization: Basic aHVudGVyOjI=", "aHVudGVyOjI="),
    ("header", "> authorization: Digest username=x, response=hunter2", "hunter2"),
    ("header", "Proxy-Authorization: Bearer hunter2", "hunter2"),
    ("header", 'curl -H "Authorization: token hunter2" http://x', "hunter2"),
    ("header", "Cookie: a=b; sid=hunter2; theme=dark", "hunter2"),
    ("header", "Set-Cookie: sid=hunter2; Secure", "hunter2"),
    ("header", "X-Api-Key: hunter2", "hunter2"),
    ("header", "x-amz-security-token: hunter2", "hunter2"),
    ("header", "PRIVATE-TOKEN: hunter2", "hunter2"),
    ("bearer", "got Bearer abc123def456 from client", "abc123def456"),
    ("basic", "proxy said Basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"),
    ("password", "password=hunter2", "hunter2"),
    ("password", "DB_PASSWORD: hunter2", "hunter2"),
    ("password", "PGPASSWORD=hunter2 psql -h db", "hunter2"),
    ("password", "spring.datasource.password = hunter2", "hunter2"),
    ("password", '{"user": "bob", "password": "hunter \\"2\\" x"}', 'hunter \\"2'),
    ("password", "{'passwd': 'hunter two'}", "hunter two"),
    ("password", r"{\"password\": \"hunter two\", \"a\": 1}", "hunter two"),
    ("password", "password='hunter two", "two"),
    ("password", "Server=db;User Id=sa;Pwd=hunter2;", "hunter2"),
    ("password", "client_secret => hunter2", "hunter2"),
    ("password", "MYSQL_PWD=hunter2", "hunter2"),
    ("password", "smtp_pass := hunter2", "hunter2"),
    ("password", "user[password]=hunter2", "hunter2"),
    ("password", "password = \\\n  hunter2", "hunter2"),
    ("password", "passphrase: correct horse battery", "battery"),
    ("password", "<db:password>hunter2</db:password>", "hunter2"),
    ("password", "requirepass hunter2", "hunter2"),
    ("password", "CREATE USER x IDENTIFIED BY 'hunter2'", "hunter2"),
    ("password", "machine x login bob password hunter2", "hunter2"),
    ("password", "openssl rsa -passin pass:hunter2", "hunter2"),
    ("password", "credentials: hunter2", "hunter2"),
    ("key", "api_key=hunter2", "hunter2"),
    ("key", '"accessKey": "hunter2"', "hunter2"),
    ("key", "AccountKey=hunter2==;EndpointSuffix=x", "hunter2"),
    ("key", "REDISCLI_AUTH=hunter2", "hunter2"),
    ("key", "/login?token=hunter2&x=1", "hunter2"),
    ("key", "PHPSESSID=hunter2; path=/", "hunter2"),
    ("key", "session_token: hunter2", "hunter2"),
    ("key", "/map?key=hunter2", "hunter2"),
    ("option", "deploy --token hunter2 --dry-run", "hunter2"),
    ("option", "app --db-password=hunter2", "hunter2"),
    ("option", "['app', '--secret', 'hunter2']", "hunter2"),
    ("option", "COMMAND=/usr/bin/mysql -u root -phunter2 app", "hunter2"),
    ("option", "mysqldump --all -p 'hunter 2'", "hunter 2"),
    ("option", "sshpass -p hunter2 ssh x", "hunter2"),
    ("option", "redis-cli -h x -a hunter2 ping", "hunter2"),
    ("option", "ldapsearch -D cn=x -w hunter2", "hunter2"),
    ("option", "curl -s -u bob:hunter2 http://x/", "hunter2"),
    ("option", "smbclient //x/y -U bob%hunter2", "hunter2"),
    ("option", "docker login -u bob -p hunter2 reg", "hunter2"),
    ("option", "mongodump -u app -p hunter2 --archive", "hunter2"),
    ("option", "snmpwalk -v2c -c hunter2 10.0.0.1", "hunter2"),
    ("option", "ipmitool -U admin -P hunter2 chassis status", "hunter2"),
    ("option", "openssl enc -aes-256-cbc -k hunter2 -in x", "hunter2"),
    ("option", "vault login s.AbCdEfGhIjKlMnOpQrStUv12", "s.AbCdEfGhIj"),
    ("password", "C: AUTH LOGIN dXNlcm5hbWU= aHVudGVyMg==", "aHVudGVyMg=="),
    ("password", "ERR wrong number for AUTH default hunter2", "hunter2"),
    ("webhook", "cannot use slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazk/#ops", "TIiajkdnlazk"),
    ("webhook", "cannot use pover://user@TokenTokenToken", "TokenTokenToken"),
    ("webhook", "GET https://hc-ping.com/5f3c1d2e-1111-2222-3333-444455556666 404", "5f3c1d2e-1111"),
    ("vendor", "sq0csp-AbCdEfGhIjKlMnOpQrStUvWxYz", "AbCdEfGhIjKl"),
    ("vendor", "dapi0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    ("jwt", f"rejected {JWT} as expired", JWT),
    ("aws", "using AKIAIOSFODNN7EXAMPLE now", "AKIAIOSFODNN7EXAMPLE"),
    ("github", "push with ghp_0123456789abcdefABCDEF0123456789abcd", "ghp_0123456789"),
    ("github", "github_pat_11ABCDEFG0abcdefghijkl_mnop", "11ABCDEFG0abc"),
    ("gitlab", "glpat-abcdefghij0123456789", "abcdefghij0123456789"),
    ("slack", "xoxb-123456789012-abcdefABCDEF", "123456789012-abc"),
    ("webhook", "POST https://hooks.slack.com/services/T000/B000/hunter2", "hunter2"),
    ("webhook", "https://discord.com/api/webhooks/123/hunter2", "hunter2"),
    ("payment", "stripe sk_live_0123456789abcdef", "0123456789abcdef"),
    ("payment", "whsec_0123456789abcdef", "0123456789abcdef"),
    ("google", "ya29.a0AfH6SMBabcdefghijk", "a0AfH6SMBabcdefghijk"),
    ("google", "key AIzaSyA0123456789abcdefghijklmnopqrstuv", "AIzaSyA0123456789"),
    ("telegram", "POST /bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/sendMessage", "AAHdqTcvCH1vGWJ"),
    ("model", "sk-ant-api03-abcdefghijklmnop", "abcdefghijklmnop"),
    ("vendor", "npm_0123456789abcdefghijABCDEFGHIJ012345", "0123456789abcdefghij"),
    ("vendor", "pypi-AgEIcHlwaS5vcmcCJDAxMjM0NTY3", "AgEIcHlwaS5vcmc"),
    ("vendor", "hvs.CAESIJabcdefghijklmnopqrst", "CAESIJabcdefghij"),
    ("vendor", "mailgun key-0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    ("hash", "root:$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2:19000", "qFmFH.bQmmtX"),
    ("private-key", f"key:\n{PEM}\n{PEM_END}\nnext", "b3BlbnNzaC1rZXkt"),
    ("private-key", PEM, "b3BlbnNzaC1rZXkt"),
    ("private-key", f"{PEM.partition(chr(10))[2]}\n{PEM_END}", "b3BlbnNzaC1rZXkt"),
    ("private-key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOYBF\n-----END PGP PRIVATE KEY BLOCK-----", "lQOYBF"),
    ("private-key", "AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", "QQPZRY9X8"),
]

HARMLESS = [
    "Nov 18 03:41:05 web-1 billing[123]: request done in 12 ms path=/health status=200 user=bob",
    "config error: key vat_rate missing",
    "KeyError: 'vat_rate'",
    "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
    "Accepted publickey for root from 10.0.0.1 port 22 ssh2",
    "author: Bob; authority: none; keyboard: us; tokenizer ready",
    "listening on http://127.0.0.1:8000/ and [::1]:8000",
    "http://host:80/path?x=a@b",
    "git@github.com:foo/bar.git and ssh://git@github.com/foo",
    "to=<bob@example.org>, relay=mail.example.org[10.0.0.1]:25, status=sent",
    "secret_file: /etc/opsagent/hook.secret",
    "app --tls-key-file /etc/ssl/private/x.pem --verbose",
    "exit status 78, see https://example.org/docs/token-errors",
    "basic authentication is off; bearer tokens are on",
    "token_type: access",
    "docker run -p 8080:80 nginx; ssh -p 22 x",
    "Caf\u00e9 \u2603 \U0001f600 opened",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "commit 0123456789abcdef0123456789abcdef01234567",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
    "image sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 pulled",
    "token_count=5 max_tokens: 4096 completion_tokens=17 secret_count=3",
    "monkey=business compass=north bypass=true",
    "sort_key: name, cache_key=user:42:profile, partition_key=eu-central",
    "file c29tZS1uYW1lLW9mLWEtZmlsZQ.tar.gz written, ETag: 33a64df551425fcc55e4d42a148795d9f25f89d4",
    "invocation 0123456789abcdef0123456789abcdef of api.service",
    "redis AUTH failed: WRONGPASS; 250-AUTH PLAIN",
    "mongod --port 27017 started; openssl version 3.0.17",
]


@pytest.mark.parametrize(("kind", "text", "secret"), CORPUS)
def test_a_secret_is_replaced_by_its_kind_and_length(kind: str, text: str, secret: str) -> None:
    cleaned = redact(text)

    assert secret in text
    assert secret not in cleaned
    assert f"[redacted:{kind}:" in cleaned


def test_every_family_has_an_example() -> None:
    assert {kind for kind, _, _ in CORPUS} == {rule.kind for rule in RULES}
    assert len(RULES) >= 16


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_passes_unchanged(text: str) -> None:
    assert redact(text) == text


def test_what_stands_around_a_secret_stays() -> None:
    cleaned = redact("deploy --token hunter2 --dry-run to postgres://app:pw@db/app")

    assert MARK.sub("X", cleaned) == "deploy --token X --dry-run to postgres://app:X@db/app"


def test_the_mark_tells_the_length_and_the_same_secret_has_the_same_mark() -> None:
    redactor = Redactor(key=b"k" * 16)

    first, second, other = (redactor.redact(f"password={word}") for word in ("hunter2", "hunter2", "hunter3"))

    assert first == second != other
    assert first.startswith("password=[redacted:password:7:")


def test_nobody_can_try_guesses_on_the_mark() -> None:
    marks = {Redactor().redact("password=hunter2") for _ in range(20)}

    assert len(marks) > 15


def test_lines_are_looked_at_as_one_text() -> None:
    lines = ["key is", *PEM.split("\n"), PEM_END, "end"]

    cleaned = Redactor().redact("\n".join(lines)).split("\n")

    assert (cleaned[0], cleaned[-1], len(cleaned)) == ("key is", "end", 3)


OWN = "corr3ct/horse+batt ery\u00e9"


@pytest.mark.parametrize(
    "spelled",
    [
        OWN,
        quote(OWN, safe=""),
        base64.b64encode(OWN.encode()).decode(),
        "corr3ct/horse+batt ery\\u00e9",
        "corr3ct/ho\nrse+batt ery\u00e9",
        "corr3ct/ho\\\n   rse+batt\r\n ery\u00e9",
    ],
)
def test_our_own_credentials_are_found_however_spelled_and_wrapped(spelled: str) -> None:
    cleaned = Redactor([OWN, "short", "x"]).redact(f"before {spelled} after")

    assert MARK.fullmatch(cleaned.removeprefix("before ").removesuffix(" after"))


def test_of_two_own_credentials_the_longer_is_taken_first() -> None:
    cleaned = Redactor(["abcdef", "abcdefghi"]).redact("abcdefghi")

    assert MARK.fullmatch(cleaned)


def test_a_credential_too_short_to_be_one_blacks_out_nothing() -> None:
    assert Redactor(["a", "on", ""]).redact("a door is on") == "a door is on"


TEMPLATES = [
    "password={}",
    "password: {} ",
    'password="{}"',
    "password='{}' x",
    '{{"password": "{}", "user": "bob"}}',
    "PGPASSWORD={} psql",
    "secret={}",
    "client_secret: {}",
    "api_key={}",
    "token={}",
    "access-token: {}",
    "db.credentials = {}",
    "auth_key={}",
    "sessionid={}",
    "Authorization: Bearer {}",
    "Proxy-Authorization: Basic {}",
    "Cookie: a=b; c={}",
    "set-cookie: x={}; HttpOnly",
    "X-Api-Key: {}",
    "app --token {} --x",
    "app --password={}",
    "mysql -uroot -p{} db",
    "sshpass -p {} ssh x",
    "requirepass {}",
    "<password>{}</password>",
    "redis-cli -a {} ping",
]
URLS = ["redis://:{}@h:6379/0", "https://user:{}@example.org/x?y=1", "amqp://a:{}@[::1]:5672", "see ftp://x:{}@y."]
PRINTABLE = "".join(sorted(set(string.printable) - set(string.whitespace) - set("\"'`\\<>")))
SECRETS = st.text(PRINTABLE, min_size=6, max_size=60)


@settings(max_examples=400)
@given(SECRETS, st.sampled_from(TEMPLATES))
def test_no_secret_survives_in_any_template(secret: str, template: str) -> None:
    assume(secret.lower() not in template.lower())

    cleaned = redact(f"first line\n{template.format(secret)}\nlast line")

    assert secret not in MARK.sub("", cleaned)
    assert cleaned.startswith("first line\n")
    assert cleaned.endswith("\nlast line")


@settings(max_examples=200)
@given(
    st.text(string.ascii_letters + string.digits + "-._~!$&()*+,;=%@:", min_size=2, max_size=60), st.sampled_from(URLS)
)
def test_no_password_survives_in_a_url(secret: str, template: str) -> None:
    assert f":{secret}@" not in redact(template.format(secret))


@settings(max_examples=300)
@given(st.lists(st.one_of(st.text(), st.sampled_from(CORPUS).map(lambda row: row[1])), max_size=5))
def test_any_text_is_taken_and_what_was_found_stays_hidden(parts: list[str]) -> None:
    redactor = Redactor(["hunter2"], key=b"k" * 16)

    once = redactor.redact("\n".join(parts))

    assert "hunter2" not in redactor.redact(once) + once


@pytest.mark.parametrize(("kind", "text", "secret"), CORPUS)
def test_redacting_again_changes_no_mark(kind: str, text: str, secret: str) -> None:
    redactor = Redactor(key=b"k" * 16)

    once = redactor.redact(text)

    assert redactor.redact(once) == once


def test_a_forged_mark_does_not_hide_what_follows_it() -> None:
    assert "hunter2" not in redact("password=[redacted:password:7:abcd]hunter2")


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("a" * (1 << 20), 0.05),
        ("A" * (1 << 20), 0.05),
        (" " * (1 << 20), 0.05),
        ("-" * (1 << 20), 0.05),
        ("password=" + "a" * (1 << 20), 1),
        ("passw " * (1 << 17), 1),
        ("token=" * (1 << 17), 1),
        ("authorization: " * (1 << 16), 1),
        ("://a:b" * (1 << 17), 1),
        ("http://a:" * (1 << 15) + "@", 1),
        ("-----BEGIN PRIVATE KEY-----" * (1 << 15), 1),
        ("mysql -p" * (1 << 16), 1),
        ("eyJaaaaaa." * (1 << 16), 1),
        ("key=\\'" * (1 << 15), 1),
    ],
)
def test_no_text_is_slow_to_look_at(text: str, most: float) -> None:
    started = time.process_time()

    redact(text)

    assert time.process_time() - started < most


@pytest.mark.parametrize("text", ["changed /etc/app/b\udcff.conf", "redis://:hunter2@127.0.0.1/ in b\udcff.conf"])
def test_what_is_no_utf_8_is_written_out_so_that_every_file_and_log_can_take_it(text: str) -> None:
    clean = redact(text)

    assert clean.encode()
    assert r"b\udcff.conf" in clean
    assert redact(clean) == clean
