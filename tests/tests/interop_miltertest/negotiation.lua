-- A filter with on_mail and on_header that say nothing, on_body that may skip, on_end_of_message, leading space and the
-- actions of adding headers and of replacing the body.
local conn = connect()
sent(negotiate(conn, nil, nil, nil))
for name, wanted in pairs {
    SMFIP_NOCONNECT = true, SMFIP_NOHELO = true, SMFIP_NORCPT = true, SMFIP_NODATA = true, SMFIP_NOEOH = true,
    SMFIP_NOUNKNOWN = true, SMFIP_NOMAIL = false, SMFIP_NOHDRS = false, SMFIP_NOBODY = false,
    SMFIP_NR_MAIL = true, SMFIP_NR_HDR = true, SMFIP_NR_BODY = false,
    SMFIP_SKIP = true, SMFIP_HDR_LEADSPC = true, SMFIP_RCPT_REJ = false,
    SMFIP_MDS_256K = false, SMFIP_MDS_1M = false,
} do
    expect(name, mt.test_option(conn, _G[name]), wanted)
end
for name, wanted in pairs {
    SMFIF_ADDHDRS = true, SMFIF_CHGBODY = true, SMFIF_CHGHDRS = false, SMFIF_ADDRCPT = false, SMFIF_DELRCPT = false,
    SMFIF_ADDRCPT_PAR = false, SMFIF_CHGFROM = false, SMFIF_QUARANTINE = false, SMFIF_SETSYMLIST = false,
} do
    expect(name, mt.test_action(conn, _G[name]), wanted)
end
-- Nothing is answered to MAIL and to headers; the rest of the body is skipped.
sent(mt.mailfrom(conn, "<alice@example.com>"))
-- Since leading space was agreed, miltertest puts a space before the value.
sent(mt.header(conn, "Subject", " test"))
answered("s", conn, mt.bodystring(conn, "one\r\n"))
answered("c", conn, mt.eom(conn))
asked(conn, MT_HDRADD, "X-Seen", " <alice@example.com> Subject:  test")
asked(conn, MT_BODYCHANGE, "new\r\n")
sent(mt.disconnect(conn))

-- An MTA of version 2 knows neither silence nor skipping nor leading space, and waits for every answer.
conn = connect()
sent(negotiate(conn, 2, 0x3f, 0x7f))
for _, option in pairs { SMFIP_NR_MAIL, SMFIP_NR_HDR, SMFIP_SKIP, SMFIP_HDR_LEADSPC, SMFIP_NODATA } do
    expect("option " .. option, mt.test_option(conn, option), false)
end
answered("c", conn, mt.mailfrom(conn, "<alice@example.com>"))
answered("c", conn, mt.header(conn, "Subject", "test"))
answered("c", conn, mt.bodystring(conn, "one\r\n"))
answered("c", conn, mt.bodystring(conn, "two\r\n"))
answered("c", conn, mt.eom(conn))
asked(conn, MT_HDRADD, "X-Seen", "<alice@example.com> Subject:test")
sent(mt.disconnect(conn))

-- Without an action that the filter needs it cannot work, and closes.
conn = connect()
if negotiate(conn, 6, SMFIF_ADDHDRS, nil) == nil then
    error("an MTA without the replacement of bodies was accepted")
end
