#!/bin/sh
# The completion script of a shell parses and, in bash and fish, completes.
# usage: completion.sh HPCTL SHELL
set -eu
command -v "$2" >/dev/null || exit 77
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
script=$folder/script
"$1" completion "$2" >"$script"
"$2" -n "$script"

# What it asks: two searches, one with two trials.
cat >"$folder/hpctl" <<'EOF'
#!/bin/sh
case "$*" in
"--no-start list") printf 'name\tstate\ndigits\tfinished\ndark\tfinished\n' ;;
"--no-start trials digits") printf 'trial\tstate\n0\tdone\n1\tdone\n' ;;
*) exit 1 ;;
esac
EOF
chmod +x "$folder/hpctl"
PATH=$folder:$PATH

if [ "$2" = fish ]; then
	offers() { fish -c "source $script; complete -C '$1'" | sort | xargs; }
	[ "$(offers 'hpctl why di')" = "digits digits/" ]
	[ "$(offers 'hpctl log di')" = digits/ ]
	[ "$(offers 'hpctl why digits/')" = "digits/0 digits/1" ]
	[ "$(offers 'hpctl log digits/1')" = digits/1 ]
fi
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
[ "$(completes log digits/)" = "digits/0 digits/1" ]
[ "$(completes why digits/1)" = digits/1 ]
[ "$(completes why none/)" = "" ]
# compopt is for completions that a user has asked for.
[ "$(completes log di 2>/dev/null)" = digits/ ]
[ "$(completes why di 2>/dev/null)" = "digits/ digits" ]
[ "$(completes why --log "$script" 2>/dev/null)" = "$script" ]
[ "$(completes import digits "$script" 2>/dev/null)" = "$script" ]
