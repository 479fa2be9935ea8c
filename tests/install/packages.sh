# Installing packages of Debian. Sourced by the scripts that need some.

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null; }

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

# Refreshes the lists of packages, once.
update() {
    [ -z "${updated-}" ] || return 0
    has apt-get || fail "something is not installed, and there is no apt-get: $*"
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update || fail "apt-get update failed"
    updated=yes
}

apt_install() {
    update "$@"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y \
        --no-install-recommends --no-upgrade "$@" || fail "apt-get could not install $*"
}
