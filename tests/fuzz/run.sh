#!/bin/sh
# Builds the fuzz targets with clang and libFuzzer and runs them one after the
# other: ./tests/fuzz/run.sh --help
set -eu
cd "$(dirname "$0")/../.."

usage() {
	cat <<'end'
usage: tests/fuzz/run.sh [--fast] [--len BYTES] [--seconds N | --runs N]
                         [--seed N] [TARGET]...

Runs the targets (all: the folders of tests/fuzz/corpus), each for 60 seconds
unless told otherwise, with AddressSanitizer and UBSan, built in build-fuzz/.

  --fast   without AddressSanitizer and without the comparisons that libFuzzer
           learns from: some ten times as many executions a second, built in
           build-fuzz-fast/
  --len    bytes of an input at most (4096); shorter ones take less time

What a target finds stays in BUILD/corpus/TARGET, and the next run begins with
it; what it fell over is in BUILD/TARGET-crash-*, its log in BUILD/TARGET.log.
end
}

die() {
	echo "run.sh: $*" >&2
	exit 2
}

build="build-fuzz"
type=debugoptimized
sanitizers=address,undefined
coverage=
len=4096
limit=-max_total_time=60
seed=1
while [ $# -gt 0 ]; do
	case $1 in
	--fast)
		build="build-fuzz-fast"
		type=release
		sanitizers=undefined
		coverage=,\'-fno-sanitize-coverage=trace-cmp,trace-div,trace-gep,indirect-calls\'
		;;
	--len | --seconds | --runs | --seed)
		[ $# -gt 1 ] || die "$1 wants a number"
		case $1 in
		--len) len=$2 ;;
		--seconds) limit=-max_total_time=$2 ;;
		--runs) limit=-runs=$2 ;;
		--seed) seed=$2 ;;
		esac
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	-*) die "$1 is no option (--help)" ;;
	*) break ;;
	esac
	shift
done
if [ $# -eq 0 ]; then
	# shellcheck disable=SC2046 # a list of plain names
	set -- $(ls tests/fuzz/corpus)
fi

cc=$(command -v clang-14 || command -v clang) || die "no clang (Debian: clang-14, libclang-rt-14-dev)"
if [ ! -f $build/build.ninja ]; then
	CC=$cc meson setup $build --buildtype=$type \
		-Db_sanitize=$sanitizers -Db_lundef=false \
		"-Dc_args=['-fsanitize=fuzzer-no-link','-fno-sanitize-recover=all'$coverage]"
fi
for target; do
	ninja -C $build "tests/fuzz/fuzz_$target"
done

# The number that the line of the final statistics with this name tells.
stat() {
	sed -n "s/^stat::$1: *//p" "$log"
}

status=0
for target; do
	log=$build/$target.log
	mkdir -p "$build/corpus/$target"
	if ! $build/tests/fuzz/fuzz_"$target" "$limit" -seed="$seed" \
		-max_len="$len" -print_final_stats=1 -timeout=60 \
		-artifact_prefix=$build/"$target"- \
		"$build/corpus/$target" "tests/fuzz/corpus/$target" \
		>"$log" 2>&1; then
		tail -n 40 "$log"
		status=1
	fi
	edges=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1)
	all=$(sed -n 's/.*(\([0-9]*\) inline 8-bit counters).*/\1/p' "$log")
	echo "$target: $(stat number_of_executed_units) executions," \
		"$(stat average_exec_per_sec) a second," \
		"${edges#cov: } of $all edges, seed $seed"
done
exit $status
