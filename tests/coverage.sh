#!/bin/sh
# What the usual suites execute, by gcov: tests/coverage.sh [BUILD_DIR [SUITE...]]
#
# Lines and branches of each folder, and every branch not taken of what must not
# lose a trial. A process that is killed by SIGKILL, and the child of the shim
# that becomes the trial, write no counters: what only they execute shows as
# not executed. The test "library" fails, since it links without counters, and
# e2e-resources may (F3, by SIGSEGV): in gcov_do_dump, which writes its counters
# at exit into what malloc gave without a look whether it gave anything.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build-coverage}
[ $# -eq 0 ] || shift

[ -e "$build/build.ninja" ] ||
	meson setup "$build" -Db_coverage=true -Dbuildtype=debug
ninja -C "$build"
find "$build" -name '*.gcda' -delete
(
	cd "$build"
	for faults in "" -DHPSD_FAULTS; do
		dir=daemon/shim
		more=
		if [ -n "$faults" ]; then
			dir=tests/fault
			more=$OLDPWD/tests/fault/fault.c
		fi
		# shellcheck disable=SC2086 # one word or none
		musl-gcc -std=c17 -D_GNU_SOURCE -O0 -g --coverage -static $faults \
			-I "$OLDPWD/daemon" -o "$dir/hpsd-shim" \
			"$OLDPWD/daemon/shim/main.c" $more
	done
)
status=0
if [ $# -gt 0 ]; then
	for suite; do
		meson test -C "$build" --no-rebuild --suite "$suite" || status=$?
	done
else
	meson test -C "$build" --no-rebuild --no-suite bench \
		--no-suite torture --no-suite source || status=$?
fi
python3 tests/coverage.py "$build"
exit "$status"
