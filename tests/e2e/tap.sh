# shellcheck shell=sh
# Sourced by the tests of this folder: cases in the Test Anything Protocol.
case=0

# check NAME COMMAND...: the case passes if the command succeeds. What it says is no TAP.
check() {
	check_name=$1
	shift
	case=$((case + 1))
	if "$@" >&2; then
		echo "ok $case - $check_name"
	else
		echo "not ok $case - $check_name"
	fi
}

# skip NAME REASON
skip() {
	case=$((case + 1))
	echo "ok $case - $1 # SKIP $2"
}

# After the last case.
plan() {
	echo "1..$case"
}
