#!/bin/sh
# The library as its users build with it, from where it is installed:
# library.sh SOURCE BUILD SANITIZERS MESON COMPILER...
set -u
. "$(dirname "$0")/tap.sh"
source=$1
build=$2
sanitizers=$3
meson=$4
shift 4
cc="$* -Wall -Wextra -Werror -fsanitize=$sanitizers"
[ "$sanitizers" = none ] && cc=${cc% *}
example=$source/configs/examples/library/branin.c
manual=$source/daemon/search/hpsd-search.3.scd
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT
PKG_CONFIG_PATH=$folder
export PKG_CONFIG_PATH

# As if it were installed there for good.
it_installs() {
	"$meson" install -C "$build" --no-rebuild --tags devel \
		--destdir "$folder" >"$folder/said" 2>&1 ||
		{
			sed 's/^/# /' "$folder/said"
			return 1
		}
	pc=$(find "$folder" -name hpsd-search.pc) &&
		sed "s,^prefix=,prefix=$folder," "$pc" >"$folder/hpsd-search.pc" &&
		flags=$(pkg-config --cflags --libs hpsd-search)
}

# shellcheck disable=SC2086 # $cc and $flags are lists
example_finds_the_minimum() {
	$cc "$example" $flags -o "$folder/branin" || return 1
	said=$("$folder/branin")
	echo "# $said"
	echo "$said" | awk '{ exit !($6 > 0.3978 && $6 < 1) }'
}

# block N: that of the manual.
block() {
	awk -v n="$1" '/^```/ { k++; next } k == 2 * n - 1' "$manual"
}

# shellcheck disable=SC2086
synopsis_declares_what_the_header_does() {
	block 1 >"$folder/synopsis.c" &&
		[ "$(grep -c ');' "$folder/synopsis.c")" -ge 13 ] &&
		$cc -c "$folder/synopsis.c" $flags -o "$folder/synopsis.o"
}

# shellcheck disable=SC2086
manual_example_compiles() {
	block 2 >"$folder/example.c" && [ -s "$folder/example.c" ] &&
		$cc -c "$folder/example.c" $flags -o "$folder/example.o"
}

# shellcheck disable=SC2086
header_is_cplusplus() {
	c++ -Wall -Wextra -Wpedantic -Werror -x c++ -c "$example" $flags \
		-o "$folder/branin.o"
}

it_has_no_names_but_its_own() {
	others=$(nm -g --defined-only "$(find "$folder" -name '*.a')" |
		awk 'NF == 3 && $3 !~ /^hps_/ { print $3 }')
	echo "# others:" "$others"
	[ -z "$others" ]
}

check "it installs with what a compiler needs" it_installs
check "the example compiles as it says and finds the minimum" \
	example_finds_the_minimum
check "the manual's synopsis declares what the header does" \
	synopsis_declares_what_the_header_does
check "the manual's example compiles" manual_example_compiles
name="a program in C++ compiles with it"
if command -v c++ >/dev/null; then
	check "$name" header_is_cplusplus
else
	skip "$name" "no C++ compiler is installed"
fi
check "it defines no names but its own" it_has_no_names_but_its_own

plan
