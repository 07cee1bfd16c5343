#!/bin/bash
# Makes the root file system that all hosts of all labs share, read-only, as their overlay's lowest layer.
#   rootfs.sh TARGET MIRROR      run as root; the caller holds the lock
# The cache is keyed by a hash of this file, so whatever changes the result belongs in here.
# Nothing secret goes in: munge and SSH keys are made for each lab.
set -euo pipefail

target=$1 mirror=$2
building=$target.building

packages=(
  tini procps iproute2 nftables netcat-openbsd curl rsync ca-certificates openssl python3 uidmap
  openssh-server openssh-client
  munge slurm-wlm slurm-wlm-basic-plugins
  gridengine-master gridengine-exec gridengine-client libxml-simple-perl
  condor
  charliecloud fuse3 squashfs-tools
  globus-proxy-utils globus-simple-ca globus-gsi-cert-utils-progs libglobus-gssapi-gsi4t64
  myproxy myproxy-server
  voms-clients voms-server voms-mysql-plugin mariadb-server-core
  libpam-oath oathtool
  python3-venv
)

# Grid Engine's cell is set up by the site that uses it, not by the package
preseed='gridengine-common shared/gridengineconfig boolean false
gridengine-common shared/gridenginecell string default
gridengine-common shared/gridenginemail string none
gridengine-master shared/gridenginemail string none'
export preseed

# Apptainer is in no stable release: taken from sid at low priority, its libraries from trixie.
apptainer() {
  local root=$1
  echo "deb $mirror sid main" > "$root/etc/apt/sources.list.d/sid.list"
  printf 'Package: *\nPin: release a=unstable\nPin-Priority: 100\n' > "$root/etc/apt/preferences.d/sid"
  chroot "$root" apt-get update -qq &&
    chroot "$root" apt-get install -qq -y --no-install-recommends apptainer ||
    echo "warning: apptainer could not be installed; labs will be without it" >&2
  rm "$root/etc/apt/sources.list.d/sid.list" "$root/etc/apt/preferences.d/sid"
}

users() {
  local root=$1
  chroot "$root" useradd --create-home --uid 2001 --user-group --shell /bin/bash alice
  chroot "$root" useradd --create-home --uid 2002 --user-group --shell /bin/bash bob
  chroot "$root" useradd --create-home --uid 3001 --user-group --shell /bin/bash scail
}

# No key that every lab would share, no name service but /etc/hosts
neutral() {
  local root=$1
  rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/munge/munge.key" "$root/etc/resolv.conf" "$root/etc/machine-id"
  touch "$root/etc/resolv.conf"
  sed -i 's/^hosts:.*/hosts: files/' "$root/etc/nsswitch.conf"
  # ConfigParser.readfp left Python in 3.12, and the package's status script still calls it
  sed -i 's/readfp/read_file/' "$root/usr/libexec/blahp/blah.py"
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
}

# the hook runs this file again, inside mmdebstrap's namespaces: "hook NAME ROOT"
if [ "$target" = --customize ]; then
  mirror=$3
  apptainer "$2"
  users "$2"
  neutral "$2"
  exit
fi

rm -rf --one-file-system "$building"
# shellcheck disable=SC2016 # $1 is for the shell that runs the hook
hook=$(printf '%q --customize "$1" %q' "$(readlink -f "$0")" "$mirror")
# shellcheck disable=SC2016 # so is it here
# sid's index may be past its date on a machine that was away for long: hence Check-Valid-Until
mmdebstrap --mode=root --variant=minbase --format=directory \
  --aptopt='Acquire::Languages "none"' \
  --aptopt='Acquire::Check-Valid-Until "false"' \
  --aptopt='Apt::Install-Recommends "false"' \
  --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --essential-hook='printf "%s\n" "$preseed" | chroot "$1" debconf-set-selections' \
  --customize-hook="$hook" \
  --include="$(IFS=,; echo "${packages[*]}")" \
  trixie "$building" "$mirror"
mv "$building" "$target"
