#!/bin/sh
# hpctl why --log behind a real training: why.sh HPCTL DIGITS-TRAIN DIGITS.CSV
set -u
. "$(dirname "$0")/tap.sh"
hpctl=$1
program=$2
data=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export HPSD_STATE="$folder/state"

train() {
	"$program" --data "$data" --units=32 --epochs=15 "$@" 2>&1
}

# main SYMPTOM OPTION...: the first symptom of a training, through a pipe.
main() {
	wanted=$1
	shift
	found=$(train "$@" | "$hpctl" why --log | sed -n 2p | cut -f2)
	echo "# $found"
	[ "$found" = "$wanted" ]
}

a_slow_pipe_says_the_same() {
	train --epochs=4 >"$folder/log"
	while IFS= read -r line; do
		printf '%s' "$line" | cut -c1-30 | tr -d '\n'
		printf '%s\n' "$line" | cut -c31-
	done <"$folder/log" | "$hpctl" why --log >"$folder/pipe"
	"$hpctl" why --log - <"$folder/log" >"$folder/file"
	grep -q "in 4 points" "$folder/pipe" &&
		cmp "$folder/pipe" "$folder/file"
}

a_long_log_says_what_its_beginning_says() {
	awk 'BEGIN { for (i = 1; i <= 100000; i++)
		printf "iter=%d loss=%.6f\n", i, 0.1 + 2 * exp(-i / 4000) }' |
		"$hpctl" why --log >"$folder/long"
	grep -q "healthy.*improved from 2.099 to 0.1 and came to rest" \
		"$folder/long"
}

check "a good training is healthy" main healthy --optimizer=sgd --lr=0.1
check "a rate far too high diverges" main diverged --optimizer=sgd --lr=10
check "a rate far too low is too slow" main too_slow --lr=1e-5
check "a penalty far too strong gets stuck" main stuck_at_start --l2=10
check "a large net on few images overfits" \
	main overfitting --train_size=0.015 --units=256 --batch=8
check "two epochs are too few" main still_improving --epochs=2
check "a slow pipe says the same as a file" a_slow_pipe_says_the_same
check "a long log is read to its end" a_long_log_says_what_its_beginning_says
check "no daemon was needed" [ ! -e "$HPSD_STATE" ]

plan
