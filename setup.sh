#!/bin/sh
# Sets this machine up for samdrift: Debian packages (as root only), then .venv from the hashed lock.
# Run it by `make setup`. A second run that finds nothing new ends at once. PYTHON says which Python (python3).
set -eu
cd "$(dirname "$0")"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# Every Debian package that samdrift needs, and why.
TOOLS="
python3-venv             .venv is made with it
systemd-container        systemd-nspawn, which boots the lab's hosts
mmdebstrap               makes the lab's image
debian-archive-keyring   what the image's packages are verified with
nftables                 the lab's address translation; nft -c judges firewall rulesets
iproute2                 the lab's bridges
mount                    the overlays that the lab's hosts stand on
util-linux               namespaces: the lab's, and those that check judges files in
openssh-client           ssh-keygen makes the lab's keys
sudo                     visudo judges sudoers files
libpango-1.0-0           reports as PDF: WeasyPrint writes text by it
libpangoft2-1.0-0        and by its fonts
libharfbuzz-subset0      of which it keeps the letters that a page has
fonts-dejavu-core        a font that has the marks of states
"
# Programs that judge configuration for `samdrift check`, and one that judges samdrift in tests. They come in packages of services: those are neither
# started nor enabled here. One that would push another package out (chrony another time daemon) is not installed but
# unpacked in .venv/judges, where check finds it.
JUDGES="
openssh-server           sshd -t
unbound                  unbound-checkconf
chrony                   chronyd -p
rsyslog                  rsyslogd -N1
rsyslog-relp             the RELP modules that rsyslogd -N1 must load
logrotate                logrotate --debug
prometheus               promtool
prometheus-alertmanager  amtool, and an Alertmanager that tests run
prometheus-blackbox-exporter  --config.check
prometheus-snmp-exporter --dry-run (Debian 12's cannot judge the file of Debian 13's)
snmpd                    a device that nobody here wrote, for tests
frr                      vtysh -C
wireguard-tools          wg-quick strip, wg setconf
keepalived               keepalived --config-test
nginx                    nginx -t
openssl                  the certificate that nginx -t asks for
postgresql               the database that stores are tested in, each test's own; the machine's is not used
netconfd                 a NETCONF server (RFC 6241) that nobody here wrote, for tests; it has no service
chromium                 a real browser, which tests open reports' pages in
"
# What judges pages in that browser (WCAG), from npm's registry: name, version, and what npm says that it is.
AXE="axe-core 4.14.1 sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="

PYTHON=${PYTHON:-python3}
POLICY=/usr/sbin/policy-rc.d

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }
names() { echo "$1" | awk 'NF { print $1 }'; }
here() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed || [ -d ".venv/judges/usr/share/doc/$1" ]; }
missing() { for p in $(names "$1"); do here "$p" || echo "$p"; done; }

# While packages are installed, no service of theirs may start: Debian asks this file.
deny_starts() {
    restore_starts # a set-up that was killed may have left it
    [ ! -e $POLICY ] && [ ! -L $POLICY ] || mv $POLICY $POLICY.before-samdrift
    trap restore_starts EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\n# by the set-up of samdrift, for as long as it runs\nexit 101\n' >$POLICY
    chmod 755 $POLICY
}

restore_starts() {
    if grep -qs 'set-up of samdrift' $POLICY; then rm -f $POLICY; fi
    if [ -e $POLICY.before-samdrift ] || [ -L $POLICY.before-samdrift ]; then mv $POLICY.before-samdrift $POLICY; fi
}

installed() { dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u; }

apt_install() {
    apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends --no-remove install "$@" >>.venv/packages.log 2>&1 ||
        { tail -n 20 .venv/packages.log >&2; fail "apt-get failed; all it said is in .venv/packages.log"; }
}

# Its programs are there to be run, and it stays unknown to dpkg and systemd.
unpack() {
    (cd .venv/judges && rm -f "$1"_*.deb && apt-get -qq -o APT::Sandbox::User=root download "$1" &&
        dpkg-deb --extract "$1"_*.deb . && rm "$1"_*.deb) >>.venv/packages.log 2>&1
}

# A service that came with a judge must not start at the next boot either.
disable_units() {
    for package in $(installed | grep -vxF "$1"); do
        units=$(dpkg -L "$package" | sed -nE 's,^(/usr)?/lib/systemd/system/([^/@]+\.(service|socket|timer))$,\2,p')
        [ -z "$units" ] || systemctl --quiet disable $units >>.venv/packages.log 2>&1 || say "could not disable" $units
    done
}

install_packages() {
    tools=$(missing "$TOOLS") judges=$(missing "$JUDGES")
    [ -n "$tools$judges" ] || return 0
    command -v apt-get >/dev/null || fail "no apt-get here: samdrift's lab needs Debian 12 or 13"
    say "Debian packages:" $tools $judges
    deny_starts
    apt-get -qq update
    [ -z "$tools" ] || apt_install $tools
    before=$(installed) fitting=""
    for p in $judges; do
        if apt-get -qq -s --no-install-recommends --no-remove install "$p" >/dev/null 2>&1; then fitting="$fitting $p"
        elif mkdir -p .venv/judges && unpack "$p"; then say "$p unpacked only, in .venv/judges: installed, it would remove another package"
        else say "$p left out: it cannot be installed here without removing another package, nor unpacked"; fi
    done
    [ -z "$fitting" ] || apt_install $fitting
    disable_units "$before"
    restore_starts
    trap - EXIT INT TERM HUP
}

make_venv() {
    command -v "$PYTHON" >/dev/null || fail "no $PYTHON on PATH: install Python 3.11 or newer"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$("$PYTHON" --version) is too old: samdrift needs 3.11 or newer (say which: make setup PYTHON=python3.12)"
    "$PYTHON" -c 'import ensurepip' 2>/dev/null ||
        fail "$PYTHON cannot make a virtual environment: apt-get install python3-venv as root, or run this as root"
    say "Python packages, by hash"
    "$PYTHON" -m venv .venv
    # Wheels only: building from source would fetch build tools that the lock does not name. One package, which fakenos
    # needs, has no wheel; it is built with the lock's own tools.
    awk '/^[a-z]/ { wanted = /^(setuptools|wheel)==/ } wanted' requirements.txt >.venv/build-tools.txt
    set -- --no-build-isolation --only-binary :all: --no-binary detect
    for lock in .venv/build-tools.txt requirements.txt; do
        .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes "$@" -r $lock
    done
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-index --no-build-isolation -e .
}

# Nothing of it is run here: its one file is unpacked in .venv/axe-core, where tests find it.
fetch_axe() {
    [ "$(cat .venv/axe-core/is 2>/dev/null)" != "$AXE" ] || return 0
    if ! command -v npm >/dev/null; then
        [ "$(id -u)" = 0 ] || { say "no npm here: nobody judges whether pages are accessible"; return 0; }
        say "Debian packages: npm"
        deny_starts
        apt-get -qq update
        apt_install npm
        restore_starts
        trap - EXIT INT TERM HUP
    fi
    name=${AXE%% *} is=${AXE##* } version=${AXE#* }
    say "$name ${version% *}, by hash"
    rm -rf .venv/axe-core && mkdir .venv/axe-core
    if ! npm pack --silent --ignore-scripts --pack-destination .venv/axe-core "$name@${version% *}" >>.venv/packages.log 2>&1; then
        say "npm cannot fetch $name: nobody judges whether pages are accessible; what it said is in .venv/packages.log"
        return 0
    fi
    .venv/bin/python - "$is" .venv/axe-core/*.tgz <<'END' || fail "$name is not what it was: its hash is another one"
import base64, hashlib, sys
sys.exit("sha512-" + base64.b64encode(hashlib.sha512(open(sys.argv[2], "rb").read()).digest()).decode() != sys.argv[1])
END
    tar -xzf .venv/axe-core/*.tgz -C .venv/axe-core --strip-components 1 package/axe.min.js package/LICENSE
    rm .venv/axe-core/*.tgz
    echo "$AXE" >.venv/axe-core/is
}

mkdir -p .venv
if [ "$(id -u)" = 0 ]; then
    if [ ! -e .venv/packages.done ] || [ setup.sh -nt .venv/packages.done ]; then
        install_packages
        touch .venv/packages.done
    fi
elif [ -n "$(missing "$TOOLS$JUDGES")" ]; then
    say "not root: without" $(missing "$TOOLS$JUDGES") "there is no lab, and check judges less"
fi

wanted="$("$PYTHON" --version 2>&1) $(cat requirements.txt pyproject.toml setup.py | sha256sum)"
if [ "$(cat .venv/python.done 2>/dev/null)" != "$wanted" ]; then
    make_venv
    echo "$wanted" >.venv/python.done
fi
fetch_axe
