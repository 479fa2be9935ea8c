-- A filter that adds to each message what it knows: of the client, of the message, of the messages before.
local conn = connect()
sent(mt.macro(conn, SMFIC_CONNECT, "j", "mta.example", "{client_ptr}", "ptr.example"))
answered("c", conn, mt.conninfo(conn, "client.example", "192.0.2.1"))
answered("c", conn, mt.helo(conn, "helo.example"))

sent(mt.macro(conn, SMFIC_MAIL, "i", "QUEUE1", "{auth_authen}", "alice"))
answered("c", conn, mt.mailfrom(conn, "<alice@example.com>"))
answered("c", conn, mt.rcptto(conn, "<bob@example.org>"))
sent(mt.bodystring(conn, "123\r\n"))
sent(mt.bodystring(conn, "456\r\n"))
answered("c", conn, mt.eom(conn))
asked(conn, MT_HDRADD, "X-Known",
    "mta.example 192.0.2.1 helo.example QUEUE1 alice <alice@example.com> 1 recipients 10 octets 0 aborted message 1")

-- The second message of the connection is aborted, the third one passes; nothing of the others is left in it.
sent(mt.macro(conn, SMFIC_MAIL, "i", "QUEUE2", "{auth_authen}", "mallory"))
answered("c", conn, mt.mailfrom(conn, "<mallory@example.com>"))
answered("c", conn, mt.rcptto(conn, "<carol@example.org>"))
sent(mt.abort(conn))

sent(mt.macro(conn, SMFIC_MAIL, "i", "QUEUE3"))
answered("c", conn, mt.mailfrom(conn, "<dave@example.com>"))
answered("c", conn, mt.rcptto(conn, "<bob@example.org>"))
answered("c", conn, mt.rcptto(conn, "<carol@example.org>"))
sent(mt.bodystring(conn, "1\r\n"))
answered("c", conn, mt.eom(conn))
asked(conn, MT_HDRADD, "X-Known",
    "mta.example 192.0.2.1 helo.example QUEUE3 - <dave@example.com> 2 recipients 3 octets 1 aborted message 3")
sent(mt.disconnect(conn))

-- A client over IPv6, one that is not known, and a connection that breaks off in a message.
conn = connect()
answered("c", conn, mt.conninfo(conn, "client.example", "2001:db8::1"))
envelope(conn, "<alice@example.com>")
sent(mt.bodyrandom(conn, 100000))
answered("c", conn, mt.eom(conn))
local known = mt.getheader(conn, "X-Known", 0)
if known:find("^- 2001:db8::1 ") == nil or tonumber(known:match("(%d+) octets")) < 100000 then error(known) end
sent(mt.disconnect(conn))

conn = connect()
answered("c", conn, mt.conninfo(conn, "client.example", "unspec"))
envelope(conn, "<alice@example.com>")
sent(mt.disconnect(conn, false))
