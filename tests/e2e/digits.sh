#!/bin/sh
# The program of the digits example: digits.sh PROGRAM DIGITS.CSV
set -u
program=$1
data=$2
case=0

# check COMMAND...: the case named by $name passes if the command succeeds.
check() {
	case=$((case + 1))
	if "$@"; then
		echo "ok $case - $name"
	else
		echo "not ok $case - $name"
	fi
}

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
	name="$optimizer reaches 95 % with lr=$good"
	check reaches_95_percent --optimizer="$optimizer" --lr="$good"
	name="$optimizer learns nothing with lr=$bad"
	check diverges_or_guesses --optimizer="$optimizer" --lr="$bad" \
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
	name="three layers of $activation reach 95 %"
	check reaches_95_percent --activation=$activation --layers=3 \
		--lr=0.01
done
for schedule in constant step cosine exponential warmup; do
	name="the schedule $schedule reaches 95 %"
	check reaches_95_percent --schedule=$schedule --lr=0.01
done
name="clipping rescues what outliers spoil: spoilt"
check diverges_or_guesses --outliers=0.02 --scaling=standard \
	--lr=0.005 --units=64
name="clipping rescues what outliers spoil: rescued"
check reaches_95_percent --outliers=0.02 --scaling=standard --clip=2 \
	--lr=0.005 --units=64

name="all folds print the mean of each"
check mean_of_the_folds
name="patience ends a training that gets no better"
check stops_early
name="each epoch has its line"
check counts_epochs
name="one seed gives one output, byte for byte"
check same_output --dropout=0.2 --augment=0.5 --label_noise=0.1 --epochs=3
name="another seed gives another output"
check other_output --epochs=1

name="an unknown option names the nearest one"
check refuses "--optimiser: no such option (did you mean --optimizer?)" \
	--optimiser=adam
name="an unknown word lists the known ones"
check refuses "--scaling=max: no such value (none, standard, minmax)" \
	--scaling max
name="a number out of range tells the range"
check refuses "--layers=9: out of range (0 to 4)" --layers=9
name="a NaN is out of range"
check refuses "--lr=nan: out of range (0 to 1000000)" --lr=nan
name="a word is no number"
check refuses "--lr=fast: not a number (0 to 1000000)" --lr=fast
name="a fraction is no whole number"
check refuses "--units=1.5: not a whole number (1 to 4096)" --units=1.5
name="a value may not be left out"
check refuses "--lr: has no value" --lr
name="one fold is none"
check refuses "--folds=1: nothing to train on (0, or 2 and more)" --folds=1
name="a fold must be below the number of folds"
check refuses "--fold=3: no such fold (below --folds=3)" --folds=3 --fold=3

echo "1..$case"
