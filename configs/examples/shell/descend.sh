#!/bin/sh
# Gradient descent with momentum on Rosenbrock's banana function, from (-1.2, 1)
# towards (1, 1). A shell needs no library to be tuned: hpsd hands each
# parameter over as HPS_PARAM_<NAME>, and a printed "name=value" is a metric.
set -eu
: "${HPS_PARAM_LR:?is set by hpsd; to try it alone: HPS_PARAM_LR=0.001 $0}"
: "${HPS_PARAM_MOMENTUM:=0}"

started=$(date +%s)
awk -v lr="$HPS_PARAM_LR" -v momentum="$HPS_PARAM_MOMENTUM" '
BEGIN {
	x = -1.2
	y = 1
	for (step = 1; step <= 30; step++) {
		dx = -400 * x * (y - x * x) - 2 * (1 - x)
		dy = 200 * (y - x * x)
		vx = momentum * vx - lr * dx
		vy = momentum * vy - lr * dy
		x += vx
		y += vy
		loss = 100 * (y - x * x) ^ 2 + (1 - x) ^ 2
		# Some awks would print a diverged one as "-nan".
		printf "step=%d loss=%s\n", step, loss < 1e100 ? loss : "inf"
		fflush()
		system("sleep 0.05")
	}
}'

# What no line of the output tells, the client can report.
if [ -n "${HPS_DIR:-}" ] && command -v hpctl >/dev/null; then
	hpctl report seconds=$(($(date +%s) - started))
fi
