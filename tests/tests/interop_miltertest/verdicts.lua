-- A filter whose verdict is told by the address: at MAIL for "reject", "reply", "later", "accept" and "discard", at RCPT
-- for the same, at the end of the message for "end-reply" and "end-discard" as senders.
-- A rejected sender. Of a reply before the end of the message miltertest keeps only the letter.
local conn = connect()
answered("r", conn, mt.mailfrom(conn, "<reject@example.com>"))
sent(mt.disconnect(conn))

conn = connect()
answered("y", conn, mt.mailfrom(conn, "<reply@example.com>"))
sent(mt.disconnect(conn))

conn = connect()
answered("y", conn, mt.mailfrom(conn, "<later@example.com>"))
sent(mt.disconnect(conn))

for word, letter in pairs { accept = "a", discard = "d" } do
    conn = connect()
    answered(letter, conn, mt.mailfrom(conn, "<" .. word .. "@example.com>"))
    sent(mt.disconnect(conn))
end

-- A rejected recipient does not end the message.
conn = connect()
answered("c", conn, mt.mailfrom(conn, "<alice@example.com>"))
answered("y", conn, mt.rcptto(conn, "<reply@example.org>"))
answered("r", conn, mt.rcptto(conn, "<reject@example.org>"))
answered("c", conn, mt.rcptto(conn, "<bob@example.org>"))
answered("c", conn, mt.eom(conn))
sent(mt.disconnect(conn))

-- The end of the message, with the text of the reply as it is sent.
conn = connect()
envelope(conn, "<end-reply@example.com>")
answered("y", conn, mt.eom(conn))
asked(conn, MT_SMTPREPLY, "554", "5.7.1", "100%% refused")
not_asked(conn, MT_SMTPREPLY, "550", "5.7.1", "100%% refused")
sent(mt.disconnect(conn))

conn = connect()
envelope(conn, "<end-discard@example.com>")
answered("d", conn, mt.eom(conn))
sent(mt.disconnect(conn))

-- The client and its greeting, and a command that nobody knows.
conn = connect()
answered("r", conn, mt.conninfo(conn, "reject.example", "192.0.2.1"))
sent(mt.disconnect(conn))
conn = connect()
answered("c", conn, mt.conninfo(conn, "client.example", "192.0.2.1"))
answered("y", conn, mt.unknown(conn, "FOO"))
answered("t", conn, mt.helo(conn, "later.example"))
sent(mt.disconnect(conn))
