# Debian's Sendmail cannot be installed beside Postfix. It is unpacked instead, and run from the target directory.
# Sourced by ./test.

sendmail=$target/sendmail-root

missing_libraries() { ldd "$1/sendmail" | sed -n 's/ => not found//p' | xargs; }

if ! [ -e "$sendmail/sendmail" ] || [ -n "$(missing_libraries "$sendmail")" ]; then
    update sendmail-bin sendmail-cf libnss-wrapper
    scratch=$(mktemp -d "$target/sendmail.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    # nss_wrapper gives Sendmail a host name and a hosts file of its own.
    (cd "$scratch" && apt-get download sendmail-bin sendmail-cf libnss-wrapper) \
        || fail "apt-get could not download Sendmail (sendmail-bin, sendmail-cf) and libnss-wrapper"
    for package in "$scratch"/*.deb; do
        dpkg-deb -x "$package" "$scratch/unpacked" || fail "cannot unpack $package"
    done
    mkdir "$scratch/root"
    # A copy is not setgid any more, so that it obeys LD_PRELOAD.
    cp "$scratch/unpacked/usr/libexec/sendmail/sendmail" "$scratch/root/" || fail "no program in package sendmail-bin"
    cp -r "$scratch/unpacked/usr/share/sendmail/cf" "$scratch/root/" || fail "no templates in package sendmail-cf"
    cp "$scratch/unpacked"/usr/lib/*/libnss_wrapper.so "$scratch/root/" || fail "no library in package libnss-wrapper"
    if [ -n "$(missing_libraries "$scratch/root")" ]; then
        # The libraries that the package names, each without version and alternatives.
        read -ra libraries < <(dpkg-deb -f "$scratch"/sendmail-bin_*.deb Depends | tr ',' '\n' \
            | sed -n 's/^ *\(lib[^ |]*\).*/\1/p' | xargs)
        apt_install "${libraries[@]}"
        missing=$(missing_libraries "$scratch/root")
        [ -z "$missing" ] || fail "Sendmail lacks libraries that its package does not name: $missing"
    fi
    # Moved as a whole: what is in place is complete.
    rm -rf "$sendmail"
    mv -T "$scratch/root" "$sendmail"
    rm -rf "$scratch"
    trap - EXIT
fi
