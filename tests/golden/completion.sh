#!/bin/sh
# The completion script of a shell parses and, in bash, completes.
# usage: completion.sh HPCTL SHELL
set -eu
command -v "$2" >/dev/null || exit 77
script=$(mktemp)
trap 'rm -f "$script"' EXIT
"$1" completion "$2" >"$script"
"$2" -n "$script"
[ "$2" = bash ] || exit 0

# completes WORD... : what is offered for the last word of "hpctl WORD..."
completes() {
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hpctl
		echo "${COMPREPLY[@]}"' bash "$script" hpctl "$@"
}
[ "$(completes be)" = best ]
[ "$(completes best --pa)" = --params ]
[ "$(completes --state /tmp best --ar)" = --args ]
[ "$(completes completion f)" = fish ]
[ "$(completes help exp)" = explain ]
[ "$(completes import --fr)" = --from ]
[ "$(completes plot digits pa)" = "params parallel" ]
# compopt is for completions that a user has asked for.
[ "$(completes import digits "$script" 2>/dev/null)" = "$script" ]
