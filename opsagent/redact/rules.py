"""What secrets look like in log lines, bodies and command lines. Every pattern runs in linear time (RE2)."""

from __future__ import annotations

import re2

from opsagent.redact.rule import Rule, family, options

# Quoted in one of the usual ways, or up to the next white space; a quote that never closes takes the line.
_QUOTED = (
    rb'"(?:[^"\\\r\n]|\\.)*"|'
    rb"'(?:[^'\\\r\n]|\\.)*'|"
    rb"`[^`\r\n]*`|"
    rb"""\\+["'][^\r\n]*?\\+["']|["'`][^\r\n]*"""
)
_VALUE = _QUOTED + rb"|\S+"
# Names like "token" stand before many an innocent word; shorter than this is none.
_LONG_VALUE = _QUOTED + rb"|\S{4,}"
_LINE = rb"[^\r\n]+"
_GAP = rb"[ \t]*"
_ASSIGN = rb"""\\*["']?\]?[ \t]*(?::=|=>|==|[:=])[ \t]*(?:\\?\r?\n[ \t]*)?"""
_COLON = rb"""\\*["']?[ \t]*[:=][ \t]*"""
_TO_PIPE = rb"[^\r\n|;&]*?"
_PASS = rb"(?:passw\w*|passphrase|passcode|pwd|pass|secret\w*|credentials?|creds?)"
_KEY = (
    rb"(?:[\w\-.]+keys?|[\w\-.]*tokens?|[\w\-.]*sess(?:ion)?[_.\-]?id|[\w\-.]*session|[\w\-.]+[_.\-]auth"
    rb"|auth[_.\-]?(?:key|code|string))"
)
_MORE = rb"(?:[_.\-]\w+)*"
# A name that ends so says where, what or how many the secret is, not which; or it only sounds like one.
_PLACE = (
    rb"(?i)(?:(?:file|path|dir|directory|url|uri|type|name|length|size|count|policy|expires?|expiry|ttl|timeout"
    rb"|\b(?:com|by|tres|sur|over|under)pass|\b(?:mon|don|tur|hot)keys?"
    rb"|\b(?:cache|foreign|group|hash|idempotency|lookup|partition|primary|public|range|routing|row|sort|unique)"
    rb"[_.\-]?keys?|\b(?:completion|input|max|min|num|output|prompt|total|used)[_.\-]?(?:new[_.\-])?tokens)\W*$)"
)
_PEM_END = rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
# A token, not a word: some sign in it that words do not have.
_MIXED = rb"[\w.~+/=\-]*[0-9._~+/=][\w.~+/=\-]{6,}|[\w.~+/=\-]{6,}[0-9._~+/=][\w.~+/=\-]*"
_SCHEME = rb"[A-Za-z][A-Za-z0-9+.\-]*://"
_USER = rb"""[^\s/?#@:\[\]"'<>]*:"""

_HEADERS: tuple[Rule, ...] = (
    family("header", "authorization", rb"(?i)\b(?:proxy-)?authorization" + _COLON, _LINE),
    family("header", "cookie", rb"(?i)\b(?:set-)?cookie2?" + _COLON, _LINE),
    family("header", "x-", rb"(?i)\bx-(?:[\w\-]*-)?(?:key|auth|token|secret|signature)(?:-[\w\-]+)?" + _COLON, _LINE),
    family("header", "-token", rb"(?i)\b(?:private|job|deploy)-token" + _COLON, _LINE),
    family("bearer", "bearer", rb"(?i)\bbearer[ \t]+", _MIXED + rb"|[\w.~+/=\-]{18,}"),
    family("basic", "basic", rb"\b[Bb]asic[ \t]+", rb"[A-Za-z0-9+/]{4,}={1,2}|" + _MIXED),
)
_URLS: tuple[Rule, ...] = (
    family("url", "@", _SCHEME + _USER, rb"""[^\s/?#"'<>]*@""", tail=1),
    # A slash inside the password: told from a port by something before it that is no digit.
    family("url", "@", _SCHEME + _USER, rb"""[^\s/?#"'<>@]*[^\s/?#"'<>@0-9][^\s"'<>]*@""", tail=1),
    family("url", "@", _SCHEME, rb"[\w.~%+\-]{16,}@", tail=1),
    family("url", "@tcp( @udp( @unix(", rb"\b\w+:", rb"""[^\s"'<>]+@(?:tcp|udp)\(""", tail=5),
    family("url", "@unix(", rb"\b\w+:", rb"""[^\s"'<>]+@unix\(""", tail=6),
    family("url", "sig x-amz code= sas=", rb"(?i)[?&;](?:sig|signature|x-amz-[\w\-]+|code|sas)=", rb"""[^\s&#"'<>]+"""),
    family("webhook", "hooks.slack", rb"\bhooks\.slack\.com/(?:services|workflows|triggers)/", rb"""[^\s"'<>]+"""),
    family("webhook", "discord", rb"(?i)\bdiscord(?:app)?\.com/api/webhooks/", rb"""[^\s"'<>]+"""),
    family("webhook", "hc-ping.com", rb"(?i)\bhc-ping\.com/", rb"""[^\s"'<>]+"""),
    # An address for apprise is its token.
    family(
        "webhook",
        "://",
        rb"(?i)\b(?:slack|discord|tgram|pover|pbul|prowl|gotifys?|msteams|workflows|rockets?|guilded|zulip|twilio|opsgenie"
        rb"|pagerduty|sendgrid|mailgun|wxteams|webex|ifttt|pushed|spush|join|line|lark|feishu|nexmo|sinch|msg91)://",
        rb"""[^\s"'<>]+""",
    ),
    family("webhook", "webhook.office", rb"(?i)\bwebhook\.office\.com/", rb"""[^\s"'<>]+"""),
)
_NAMES: tuple[Rule, ...] = (
    family("password", "pass pwd secret cred", rb"(?i)[\w.\-\[]*" + _PASS + _MORE + _ASSIGN, _VALUE, not_after=_PLACE),
    family("password", "passphrase", rb"(?i)\bpassphrase" + _ASSIGN, _LINE),
    family("key", "key token sess auth", rb"(?i)" + _KEY + _MORE + _ASSIGN, _LONG_VALUE, not_after=_PLACE),
    family("key", "key auth sid pin otp", rb"""(?i)(?:^|[^\w\-.])(?:key|auth|sid|pin|otp)\\*["']?=""", _LONG_VALUE),
    family(
        "password",
        "<",
        rb"(?i)<[\w:.\-]*(?:passw|secret|token|api_?key|credential)[\w:.\-]*>",
        rb"[^<]+",
        not_after=_PLACE,
    ),
    family("password", "requirepass masterauth", rb"(?i)\b(?:requirepass|masterauth)[ \t]+", _VALUE),
    family("password", "identified", rb"(?i)\bidentified[ \t]+by[ \t]+(?:password[ \t]+)?", _VALUE),
    family("password", "login", rb"(?i)\blogin[ \t]+\S+[ \t]+password[ \t]+", _VALUE),
    family("password", "pass:", rb"\bpass:", rb"\S+"),
    family("password", "auth", rb"\bAUTH[ \t]+(?:PLAIN|LOGIN)[ \t]+", rb"[\w+/=]{4,}(?:[ \t]+[\w+/=]{4,})?"),
    family("password", "auth", rb"\bAUTH[ \t]+(?:[\w\-]+[ \t]+)?", rb"\S{5,}[0-9]\S*|\S*[0-9]\S{5,}"),
)
_OPTIONS: tuple[Rule, ...] = (
    family(
        "option",
        "-",
        rb"""(?i)(?:^|[\s"',\[])--?[\w\-]*(?:passw\w*|passphrase|pass|pwd|secret|token|key|credentials?|cred|auth|session)"""
        rb"""(?:-\w+)*["']?(?:=|,?[ \t]+)""",
        _VALUE,
        not_after=_PLACE,
    ),
    family(
        "option",
        "mysql mariadb mycli mongo sshpass xtrabackup",
        rb"""\b(?:mysql\w*|mariadb[\w\-]*|mycli|mongo\w*|sshpass|xtrabackup)\b"""
        + _TO_PIPE
        + rb"""[\s"',\[]-p[ \t]?""",
        _VALUE,
    ),
    family("option", "redis-cli", rb"\bredis-cli\b" + _TO_PIPE + rb"[ \t]-a[ \t]+", _VALUE),
    family("option", "ldap", rb"\bldap\w+\b" + _TO_PIPE + rb"[ \t]-w[ \t]*", _VALUE),
    family(
        "option",
        "curl wget",
        rb"""\b(?:curl|wget)\b""" + _TO_PIPE + rb"""[ \t](?:-u|--user)(?:=|[ \t]*)["']?[^\s:"']+:""",
        rb"""[^\s"']+""",
    ),
    family("option", "smb", rb"\bsmb\w+\b" + _TO_PIPE + rb"[ \t]-U[ \t]*[^\s%]+%", rb"\S+"),
    family("option", "vault", rb"\bvault[ \t]+login[ \t]+", _MIXED),
    family("option", "snmp", rb"\bsnmp\w+\b" + _TO_PIPE + rb"[ \t]-c[ \t]*", _VALUE),
    family("option", "ipmitool", rb"\bipmitool\b" + _TO_PIPE + rb"[ \t]-P[ \t]*", _VALUE),
    family("option", "openssl", rb"\bopenssl\b" + _TO_PIPE + rb"[ \t]-k[ \t]+", _VALUE),
    family("option", "docker", rb"\bdocker[ \t]+login\b" + _TO_PIPE + rb"[ \t]-p[ \t]*", _VALUE),
)
_SHAPES: tuple[Rule, ...] = (
    family(
        "private-key",
        "-----begin",
        rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?s:.*?)" + _PEM_END + rb"|(?s:.*))",
    ),
    family("private-key", "-----end", rb"(?:[A-Za-z0-9+/=]{8,}\s+)+" + _PEM_END),
    family("private-key", "age-secret-key", rb"AGE-SECRET-KEY-1[A-Z0-9]{20,}"),
    family("jwt", "eyj", rb"\beyJ[A-Za-z0-9_\-]{5,}\.[A-Za-z0-9_\-]{5,}(?:\.[A-Za-z0-9_\-]*)*"),
    family("aws", "akia asia abia acca", rb"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"),
    family("github", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", rb"\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}"),
    family("gitlab", "gl", rb"\bgl(?:pat|ptt|dt|rt|cbt|ft|oas)-[\w\-.]{16,}"),
    family("slack", "xox xapp-", rb"\bxox[a-z]-[\w\-]{8,}|\bxapp-[\w\-]{8,}"),
    family("payment", "_live_ _test_", rb"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}"),
    family("payment", "whsec_", rb"\bwhsec_[A-Za-z0-9+/=]{8,}"),
    family("google", "ya29. aiza gocspx-", rb"\bya29\.[\w\-.]{8,}|\bAIza[\w\-]{30,}|\bGOCSPX-[\w\-]{16,}"),
    family("telegram", "", rb"\b(?:bot)?[0-9]{8,10}:[A-Za-z0-9_\-]{30,}"),
    family("model", "sk- hf_", rb"\bsk-[A-Za-z0-9][\w\-]{18,}|\bhf_[A-Za-z0-9]{20,}"),
    family("vendor", "npm_ dop_v1_ dckr_pat_", rb"\b(?:npm_|dop_v1_|dckr_pat_)[\w\-]{22,}"),
    family("vendor", "shpat_ shpss_ pypi-", rb"\b(?:shpat_|shpss_|pypi-)[\w\-]{22,}"),
    family("vendor", "sq0 dapi eaa", rb"\bsq0[a-z]{3}-[\w\-]{20,}|\bdapi[0-9a-f]{32}|\bEAA[A-Za-z0-9]{20,}"),
    family("vendor", "sg. hvs. hvb.", rb"\b(?:SG|hvs|hvb)\.[\w\-.]{22,}"),
    family("vendor", "lin_api_ sntrys_ figd_ key-", rb"\b(?:lin_api_|sntrys_|figd_|key-)[\w\-.]{30,}"),
    family("hash", "$", rb"\$(?:1|2[abxy]?|5|6|7|y|gy|argon2(?:id|i|d)|scrypt|apr1)\$[./A-Za-z0-9$=,+\-]{16,}"),
)

RULES: tuple[Rule, ...] = (*_SHAPES, *_HEADERS, *_URLS, *_NAMES, *_OPTIONS)

# One look that lets almost every line pass: whatever a rule can find holds one of these.
GATE = re2.compile(
    rb"(?i)"
    + rb"|".join(sorted({re2.escape(hint) for rule in RULES for hint in rule.hints if len(hint) > 1}))
    + rb"|[0-9]{8}:|@|<[\w:.\-]+>|(?:^|[\s\"',\[])--?[\w\-]+[\"']?[=, \t]|\$[0-9a-z]{1,8}\$",
    options(),
)
