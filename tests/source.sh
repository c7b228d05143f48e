#!/bin/sh
# The layout of the C files and the pitfalls of the shell scripts: source.sh ROOT
set -u
cd "$1" || exit 1
. tests/e2e/tap.sh

c_files_have_the_layout() {
	find client configs daemon schema tests -name '*.[ch]' \
		-exec clang-format --dry-run -Werror {} +
}

scripts_have_no_known_pitfalls() {
	find bootstrap .ci/run client configs daemon schema tests \
		-type f -perm -u+x -exec grep -lZE '^#!/bin/(ba)?sh' {} + |
		xargs -0 shellcheck
}

# Each version lays out a little differently.
name="every C file has the layout of clang-format 14"
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
	check "$name" c_files_have_the_layout
else
	skip "$name" "clang-format 14 is not installed"
fi
name="shellcheck finds nothing in the scripts"
if command -v shellcheck >/dev/null; then
	check "$name" scripts_have_no_known_pitfalls
else
	skip "$name" "shellcheck is not installed"
fi

plan
