# Programs that nobody here wrote and that are no packages of the system: opendkim, whose package would make a service
# of it, and what comes from PyPI. Sourced by ./test.

interop=$target/interop
own_opendkim=$interop/opendkim

if ! has opendkim && ! [ -x "$own_opendkim/usr/sbin/opendkim" ]; then
    update opendkim
    # opendkim-tools has brought its libraries.
    rm -rf "$own_opendkim" "$own_opendkim.new"
    mkdir -p "$own_opendkim.new"
    (cd "$own_opendkim.new" && apt-get download opendkim && dpkg-deb -x opendkim_*.deb .) \
        || fail "apt-get could not download opendkim"
    mv "$own_opendkim.new" "$own_opendkim"
fi

# The stamp says that everything of the list is there; the tests look at it too.
wanted=tests/interop/requirements.txt
venv=$interop/venv
if ! cmp -s "$wanted" "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv" || fail "cannot make a virtual environment of Python in $venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" || fail "pip could not install $wanted"
    cp "$wanted" "$venv/requirements.txt"
fi
