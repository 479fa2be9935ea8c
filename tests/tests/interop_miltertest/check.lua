-- Runs a script, given by -D, with what the scripts have in common.

-- Connects to the filter under test, whose socket is given by -D.
function connect()
    local conn = mt.connect(socket, 100, 0.05)
    if conn == nil then error("cannot connect to " .. socket, 2) end
    mt.set_timeout(60)
    return conn
end

function expect(what, got, wanted)
    if got ~= wanted then
        error(what .. ": expected " .. tostring(wanted) .. ", got " .. tostring(got), 2)
    end
end

-- What miltertest could not send, or what was not answered in time, it tells by a text.
function sent(failure)
    if failure ~= nil then error(failure, 2) end
end

-- Its manual says version, actions, steps: miltertest takes them in another order.
function negotiate(conn, version, actions, steps)
    return mt.negotiate(conn, version, steps, actions)
end

-- Sends, and expects this letter for an answer.
function answered(letter, conn, failure)
    if failure ~= nil then error(failure, 2) end
    local reply = string.char(mt.getreply(conn))
    if reply ~= letter then error("expected the reply " .. letter .. ", got " .. reply, 2) end
end

-- Expects what the filter asked for at the end of the message.
function asked(conn, what, ...)
    if not mt.eom_check(conn, what, ...) then
        error("the filter did not ask for " .. table.concat({ what, ... }, " "), 2)
    end
end

function not_asked(conn, what, ...)
    if mt.eom_check(conn, what, ...) then
        error("the filter did ask for " .. table.concat({ what, ... }, " "), 2)
    end
end

function envelope(conn, sender)
    answered("c", conn, mt.mailfrom(conn, sender))
    answered("c", conn, mt.rcptto(conn, "<bob@example.org>"))
end

-- miltertest keeps the text of an error to itself.
local function complain(complaint)
    print(debug.traceback(complaint, 2))
    os.exit(1)
end
xpcall(dofile, complain, script)
