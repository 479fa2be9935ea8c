# HAProxy, whose package would make a service of it, is unpacked and run from the target directory. Sourced by ./test.

own_haproxy=$target/interop/haproxy

lacking() { ldd "$1/usr/sbin/haproxy" | sed -n 's/ => not found//p' | xargs; }

if ! has haproxy && { ! [ -x "$own_haproxy/usr/sbin/haproxy" ] || [ -n "$(lacking "$own_haproxy")" ]; }; then
    update haproxy
    rm -rf "$own_haproxy" "$own_haproxy.new"
    mkdir -p "$own_haproxy.new"
    (cd "$own_haproxy.new" && apt-get download haproxy && dpkg-deb -x haproxy_*.deb .) \
        || fail "apt-get could not download haproxy"
    if [ -n "$(lacking "$own_haproxy.new")" ]; then
        # The libraries that the package names, each without version and alternatives.
        read -ra libraries < <(dpkg-deb -f "$own_haproxy.new"/haproxy_*.deb Depends | tr ',' '\n' \
            | sed -n 's/^ *\(lib[^ |]*\).*/\1/p' | xargs)
        apt_install "${libraries[@]}"
        missing=$(lacking "$own_haproxy.new")
        [ -z "$missing" ] || fail "HAProxy lacks libraries that its package does not name: $missing"
    fi
    mv "$own_haproxy.new" "$own_haproxy"
fi
