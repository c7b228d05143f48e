#!/bin/sh
# The files that are installed beside the programs: configs.sh CONFIGS HPSD
set -u
. "$(dirname "$0")/tap.sh"
configs=$1
hpsd=$2
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT

# unit NAME INSTANCE: the unit as it would be installed, in $folder
unit() {
	sed 's,@bindir@/hpsd,/bin/true,' "$configs/$1.service.in" \
		>"$folder/$1$2.service"
}

# unit_is_valid NAME INSTANCE OPTION...
unit_is_valid() {
	unit "$1" "$2"
	file=$folder/$1$2.service
	shift 2
	said=$(XDG_RUNTIME_DIR=$folder systemd-analyze verify "$@" --man=no \
		"$file" 2>&1)
	status=$?
	echo "# $status: $said"
	[ $status -eq 0 ] && [ -z "$said" ]
}

# exposure_is NAME AT_MOST: in tenths
exposure_is() {
	unit "$1" ""
	said=$(systemd-analyze security --offline=true --no-pager \
		"$folder/$1.service" | sed -n 's/.*exposure level for //p')
	echo "# $said"
	score=$(echo "$said" | sed 's/.*: \([0-9]*\)\.\([0-9]\).*/\1\2/')
	[ "$score" -le "$2" ]
}

# with_systemd NAME COMMAND...
with_systemd() {
	if command -v systemd-analyze >/dev/null; then
		check "$@"
	else
		skip "$1" "systemd is not installed"
	fi
}

with_systemd "systemd takes the unit without a word" unit_is_valid hpsd "" --user
with_systemd "systemd takes the system's unit without a word" \
	unit_is_valid hpsd@ root
# Most of what counts needs privilege, which a user's manager has not.
with_systemd "the unit is no more exposed than it was" exposure_is hpsd 82
with_systemd "the system's unit is little exposed" exposure_is hpsd@ 45

check "hpsd takes the configuration file" \
	"$hpsd" -n --config "$configs/hpsd.json"

plan
