#!/bin/sh
# The files that are installed beside the programs: configs.sh CONFIGS HPSD
set -u
. "$(dirname "$0")/tap.sh"
configs=$1
hpsd=$2
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT

unit_is_valid() {
	sed 's,@bindir@/hpsd,/bin/true,' "$configs/hpsd.service.in" \
		>"$folder/hpsd.service"
	said=$(XDG_RUNTIME_DIR=$folder systemd-analyze verify --user --man=no \
		"$folder/hpsd.service" 2>&1)
	status=$?
	echo "# $status: $said"
	[ $status -eq 0 ] && [ -z "$said" ]
}

name="systemd takes the unit without a word"
if command -v systemd-analyze >/dev/null; then
	check "$name" unit_is_valid
else
	skip "$name" "systemd is not installed"
fi

check "hpsd takes the configuration file" \
	"$hpsd" -n --config "$configs/hpsd.json"

plan
