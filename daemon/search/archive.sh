#!/bin/sh
# archive.sh OUT.a API.a LIB.a...: an archive of one object, which holds API.a
# and what it needs of the others, and defines the names of API.a alone.
set -eu
out=$1
api=$2
shift 2
object=${out%.a}.o

# shellcheck disable=SC2086 # a compiler may be two words
$CC -r -nostdlib -o "$object" \
	-Wl,--whole-archive "$api" -Wl,--no-whole-archive "$@"
"$OBJCOPY" --wildcard --keep-global-symbol='hps_*' "$object"
rm -f "$out"
"$AR" rcs "$out" "$object"
rm "$object"
