#!/bin/sh
# The completion script of a shell parses and completes.
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
	offers() { fish -c "source $script; complete -C '$1'" | cut -f1 | sort |
		xargs; }
	[ "$(offers 'hpctl why di')" = "digits digits/" ]
	[ "$(offers 'hpctl log di')" = digits/ ]
	[ "$(offers 'hpctl why digits/')" = "digits/0 digits/1" ]
	[ "$(offers 'hpctl log digits/1')" = digits/1 ]
	[ "$(offers 'hpctl trials d')" = "dark digits" ]
	[ "$(offers 'hpctl trials digits d')" = "" ]
	[ "$(offers 'hpctl trials digits --only p')" = pruned ]
	[ "$(offers 'hpctl trials --only lost d')" = "dark digits" ]
	[ "$(offers 'hpctl extend digits --trials ')" = "" ]
	[ "$(offers 'hpctl add digits d')" = "" ]
	[ "$(offers 'hpctl plot digits pa')" = "parallel params" ]
	[ "$(offers 'hpctl plot digits params pa')" = "" ]
	[ "$(offers 'hpctl import digits --from da')" = dark ]
	cd "$folder"
	[ "$(offers 'hpctl trials digits --only sc')" = "" ]
	[ "$(offers 'hpctl best sc')" = "" ]
	[ "$(offers 'hpctl import digits sc')" = script ]
	[ "$(offers 'hpctl check script sc')" = script ]
	[ "$(offers 'hpctl run script sc')" = "" ]
	[ "$(offers 'hpctl why --log sc')" = script ]
	[ "$(offers 'hpctl why digits --apply sc')" = script ]
	[ "$(offers 'hpctl metrics --try script sc')" = script ]
	[ "$(offers 'hpctl --state sc')" = script ]
fi

# completes WORD... : what the script asks zsh to offer
if [ "$2" = zsh ]; then
	completes() {
		zsh -fc 'compdef() {}; compset() { return 1 }; PREFIX=
			compadd() { print -r -- "$@" }; _files() { print files }
			_describe() { print "$1" }; . "$1"; shift
			words=("$@") CURRENT=$#; _hpctl' zsh "$script" hpctl "$@" |
			xargs
	}
	[ "$(completes '')" = command ]
	[ "$(completes best --)" = option ]
	[ "$(completes best '')" = "-a searches" ]
	[ "$(completes best digits '')" = "" ]
	[ "$(completes trials digits --only '' | cut -c1-14)" = "queued running" ]
	[ "$(completes extend digits --trials '')" = "" ]
	[ "$(completes plot digits params '')" = "" ]
	[ "$(completes import digits '')" = files ]
	[ "$(completes why --log a '')" = files ]
	[ "$(completes --state a log '')" = "-S / -a searches" ]
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
# What follows an option is not an operand, and not all operands are alike.
[ "$(completes trials d)" = "digits dark" ]
[ "$(completes trials digits d)" = "" ]
[ "$(completes trials digits --only p)" = pruned ]
[ "$(completes trials digits --only = p)" = pruned ]
[ "$(completes trials --only lost d)" = "digits dark" ]
[ "$(completes trials --only = lost d)" = "digits dark" ]
[ "$(completes best digits -n d)" = "" ]
[ "$(completes best -n 3 d)" = "digits dark" ]
[ "$(completes extend digits --trials d)" = "" ]
[ "$(completes add digits d)" = "" ]
[ "$(completes log digits/1 d)" = "" ]
[ "$(completes plot digits params pa)" = "" ]
[ "$(completes import digits --from da)" = dark ]
[ "$(completes why digits --apply "$script" 2>/dev/null)" = "$script" ]
[ "$(completes metrics --try a "$script" 2>/dev/null)" = "$script" ]
[ "$(completes check a "$script" 2>/dev/null)" = "$script" ]
[ "$(completes run a "$script" 2>/dev/null)" = "" ]
