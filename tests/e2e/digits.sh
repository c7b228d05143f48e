#!/bin/sh
# The program of the digits example: digits.sh PROGRAM DIGITS.CSV
set -u
. "$(dirname "$0")/tap.sh"
program=$1
data=$2

# Small enough for a build with sanitizers; what comes later wins.
train() {
	"$program" --data "$data" --units=32 --epochs=12 "$@" 2>&1
}

# final METRIC OPTION...: the metric's value in the last line of a run.
final() {
	metric=$1
	shift
	train "$@" | sed -n "\$s/.*$metric=\([^ ]*\).*/\1/p"
}

reaches_95_percent() {
	accuracy=$(final val_acc "$@")
	echo "# val_acc=$accuracy"
	awk "BEGIN { exit !($accuracy >= 0.95) }"
}

diverges_or_guesses() {
	loss=$(final val_loss "$@")
	echo "# val_loss=$loss"
	case $loss in
	nan | inf) ;;
	*) awk "BEGIN { exit !($loss > 2) }" ;;
	esac
}

same_output() {
	[ "$(train "$@")" = "$(train "$@")" ]
}

other_output() {
	[ "$(train --seed=1 "$@")" != "$(train --seed=2 "$@")" ]
}

# refuses MESSAGE OPTION...: status 2 and nothing but the message.
refuses() {
	message="digits-train: $1"
	shift
	said=$(train "$@")
	status=$?
	echo "# $status: $said"
	[ $status -eq 2 ] && [ "$said" = "$message" ]
}

mean_of_the_folds() {
	each=$(for fold in 0 1 2; do
		final val_loss --folds=3 --fold=$fold --epochs=3
	done)
	all=$(final val_loss --folds=3 --epochs=3)
	echo "# folds: $(echo "$each" | tr '\n' ' ')all: $all"
	echo "$each" | awk "{ sum += \$1 }
	    END { d = sum / 3 - $all; exit !(NR == 3 && d * d < 1e-9) }"
}

stops_early() {
	lines=$(train --lr=0.05 --patience=2 --epochs=200 | wc -l)
	[ "$lines" -lt 200 ]
}

counts_epochs() {
	[ "$(train --epochs=3 | sed 's/ |.*//' | tr '\n' ,)" = \
		"epoch 1/3,epoch 2/3,epoch 3/3," ]
}

# What reaches 95 % and what is too fast for it, optimizer by optimizer.
while read -r optimizer good bad; do
	check "$optimizer reaches 95 % with lr=$good" \
		reaches_95_percent --optimizer="$optimizer" --lr="$good"
	check "$optimizer learns nothing with lr=$bad" \
		diverges_or_guesses --optimizer="$optimizer" --lr="$bad" \
		--layers=2
done <<end
sgd      0.2   10
momentum 0.02  10
nesterov 0.02  10
adagrad  0.03  10
adadelta 1     10000
rmsprop  0.003 10
adam     0.002 10
end

for activation in relu tanh sigmoid leaky_relu elu; do
	check "three layers of $activation reach 95 %" \
		reaches_95_percent --activation=$activation --layers=3 \
		--lr=0.01
done
for schedule in constant step cosine exponential warmup; do
	check "the schedule $schedule reaches 95 %" \
		reaches_95_percent --schedule=$schedule --lr=0.01
done
check "clipping rescues what outliers spoil: spoilt" \
	diverges_or_guesses --outliers=0.02 --scaling=standard \
	--lr=0.005 --units=64
check "clipping rescues what outliers spoil: rescued" \
	reaches_95_percent --outliers=0.02 --scaling=standard --clip=2 \
	--lr=0.005 --units=64

check "all folds print the mean of each" mean_of_the_folds
check "patience ends a training that gets no better" stops_early
check "each epoch has its line" counts_epochs
check "one seed gives one output, byte for byte" \
	same_output --dropout=0.2 --augment=0.5 --label_noise=0.1 --epochs=3
check "another seed gives another output" \
	other_output --epochs=1

check "an unknown option names the nearest one" \
	refuses "--optimiser: no such option (did you mean --optimizer?)" \
	--optimiser=adam
check "an unknown word lists the known ones" \
	refuses "--scaling=max: no such value (none, standard, minmax)" \
	--scaling max
check "a number out of range tells the range" \
	refuses "--layers=9: out of range (0 to 4)" --layers=9
check "a NaN is out of range" \
	refuses "--lr=nan: out of range (0 to 1000000)" --lr=nan
check "a word is no number" \
	refuses "--lr=fast: not a number (0 to 1000000)" --lr=fast
check "a fraction is no whole number" \
	refuses "--units=1.5: not a whole number (1 to 4096)" --units=1.5
check "a value may not be left out" \
	refuses "--lr: has no value" --lr
check "one fold is none" \
	refuses "--folds=1: nothing to train on (0, or 2 and more)" --folds=1
check "a fold must be below the number of folds" \
	refuses "--fold=3: no such fold (below --folds=3)" --folds=3 --fold=3

plan
