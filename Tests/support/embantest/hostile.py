"""Names and values that a careless server would read as something else: quotes, escapes, parameter marks, look-alikes, whole statements."""

from __future__ import annotations

#: Fragments that mean something to the event store, to the configuration store, or to a template.
STATEMENTS = [
    "' OR 1=1 --", "' OR '1'='1", "\" OR \"\"=\"", "';DROP TABLE events;--", "'; SELECT * FROM system.tables --", "1) UNION ALL SELECT * FROM events --",
    "x') SETTINGS SQL_emban_tenant = 'mallory' --", "x' INTO OUTFILE 'x", "(SELECT tenant_id FROM emban.events LIMIT 1)", "1; KILL QUERY WHERE 1",
    "toString(sleep(3))", "sleepEachRow(3)", "url('http://127.0.0.1/')", "file('x', 'CSV')", "remote('127.0.0.1', emban.events)", "numbers(1000000000)",
    "getSetting('SQL_emban_tenant')", "currentUser()", "hostName()", "{p0:String}", "{tenant:String}", "{p0:Identifier}", "param_p0", "$1", "?", ":1", "@x",
    "%(tenant)s", "${tenant}", "{{context.tenant}}", "{{7*7}}", "<img src=x onerror=alert(1)>", "/*", "*/", "/* */", "--", "#", "FORMAT Native",
    "tenant_id", "org_id", "environment", "string_props", "numeric_props", "string_props.model", "emban.events", "event_ids", "system.users",
]

ESCAPES = [
    "'", "''", "\"", "`", "``", "\\", "\\\\", "\\'", "\\\"", "\\`", "\\N", "\\0", "\\n", "\\x27", "\\u0027", "%27", "%5c", "%00", "%", "%%", "_", "*", ".", "..",
    "../..", "a/b", "a.b", "a..b", ".a", "a.", "a:b", "a::String", "a.:String", "^a", "[1]", "a[1]", "a{", "}", "NULL", "null", "true", "0", "-1", "1e309",
    "NaN", "nan", "inf", "-inf", "Infinity", "0x27", "=1+1", "+1", "@SUM(A1)",
]

#: Texts that look like `model`, `gpt-4` or `acme` and are not.
LOOK_ALIKES = [
    "Model", "MODEL", "model ", " model", "model\u200b", "\u200bmodel", "mоdel", "ｍodel", "mode\u006c\u0301", "model\ufeff", "\u202eledom", "model\u00ad", "model\u2060",
    "GPT-4", "gpt-4 ", " gpt-4", "gpt\u20104", "gpt\u20114", "gpt–4", "ｇｐｔ-4", "gpt-\u0664", "gpt-４", "gpt-4\u200d", "gpt-4\ufe0f", "gpt-4\u0301", "ɡpt-4",
    "ACME", "Acme", "acme ", " acme", "аcme", "ａcme", "acme\u200b", "acme\u0301", "acm\u0435",
]

CONTROLS = ["\0", "a\0", "\0a", "a\nb", "a\rb", "a\r\nX-Injected: 1", "\t", "\b", "\x0b", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u2029", "\ufffd", "\ufffe", "\uffff"]

WIDE = ["é", "e\u0301", "ß", "İ", "ı", "字🦆", "👩‍👩‍👧‍👦", "\U0001d552", "𐀀", "ﷺ", "\u0300" * 20, "🦆" * 30]

LONG = ["a" * 129, "a" * 300, "a" * 4_096, "a" * 4_097, "'" * 4_000, "\\" * 3_999, "🦆" * 1_024]

TEXTS = STATEMENTS + ESCAPES + LOOK_ALIKES + CONTROLS + WIDE + LONG

#: Names that properties of generated events have.
NAMES = {
    "dotted": "geo.country", "quoted": "end`po\\int 'q\" {p0:String}", "reserved": "time", "both": "size", "wide": "字 e\u0301", "number": "sec`ret\\ 'n\".ms",
    "field": "tenant_id",
}
