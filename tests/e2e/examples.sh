#!/bin/sh
# The programs of the small examples: examples.sh CONFIGS/EXAMPLES
set -u
. "$(dirname "$0")/tap.sh"
examples=$1

svm_data_is_what_its_script_makes() {
	copy=$(mktemp -d) || return 1
	mkdir "$copy/digits" "$copy/svm" &&
		cp "$examples/digits/digits.csv" "$copy/digits" &&
		cp "$examples/svm/make-data.sh" "$copy/svm" &&
		"$copy/svm/make-data.sh" &&
		cmp "$copy/svm/digits.svm" "$examples/svm/digits.svm"
	same=$?
	rm -r "$copy"
	return $same
}

svm_prints_its_accuracy() {
	(cd "$examples/svm" && svm-train -q -v 5 -c 10 -g 0.001 digits.svm) |
		grep -qx 'Cross Validation Accuracy = 9[0-9.]*%'
}

sklearn_prints_a_line_a_stage() {
	"$examples/sklearn/train.py" --stages=3 --max-features=sqrt |
		sed 's/=[0-9.]*//g' | uniq -c |
		grep -qx ' *3 step train_loss val_loss val_acc'
}

# Outside of a trial it reports to nobody.
shell_descends() {
	HPS_PARAM_LR=0.001 HPS_PARAM_MOMENTUM=0.5 HPS_DIR='' \
		"$examples/shell/descend.sh" |
		awk -F= 'NR == 1 { first = $3 } { last = $3 }
		    END { exit !(NR == 30 && last < first) }'
}

shell_diverges() {
	HPS_PARAM_LR=0.1 HPS_PARAM_MOMENTUM=0.9 HPS_DIR='' \
		"$examples/shell/descend.sh" | tail -n 1 | grep -qx '.*loss=inf'
}

check "svm: its data are what its script makes of the digits" \
	svm_data_is_what_its_script_makes
name="svm: prints the accuracy that its search reads"
if command -v svm-train >/dev/null; then
	check "$name" svm_prints_its_accuracy
else
	skip "$name" "libsvm-tools is not installed"
fi
name="sklearn: prints a line a stage"
if /usr/bin/python3 -c 'import sklearn' 2>/dev/null; then
	check "$name" sklearn_prints_a_line_a_stage
else
	skip "$name" "python3-sklearn is not installed"
fi
check "shell: gets lower step by step" shell_descends
check "shell: tells that it diverged" shell_diverges

plan
