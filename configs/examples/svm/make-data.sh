#!/bin/sh
# Writes digits.svm: the first 600 images of the digits example in the format
# of LIBSVM, "label index:value ...", where an index left out is a 0.
set -eu
cd "$(dirname "$0")"
head -n 600 ../digits/digits.csv | awk -F, '{
	printf "%d", $NF
	for (i = 1; i < NF; i++)
		if ($i != 0)
			printf " %d:%d", i, $i
	printf "\n"
}' >digits.svm
