#!/usr/bin/env bash
# Makes the virtual environment named by the first argument, with pip in it, using $PYTHON (python3 unless set).
# An environment that works is kept. Where python3 has no ensurepip (Debian without python3-venv) another pip fills it.
set -euo pipefail

venv=${1:?usage: make_venv.sh DIRECTORY}
python=${PYTHON:-python3}

fail() {
    printf 'penstock: %s\n' "$@" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 || fail "'$python' was not found; install Python 3.10 or newer, or pass PYTHON=/path/to/python3"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "'$python' is Python $version, and Penstock needs 3.10 or newer; pass PYTHON=/path/to/a/newer/python3"

if [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

echo "creating $venv with Python $version"
if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    "$python" -m venv --clear "$venv"
elif "$python" -m virtualenv --version >/dev/null 2>&1; then
    "$python" -m virtualenv --quiet --clear "$venv"
elif "$python" -c 'import venv' >/dev/null 2>&1 && "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear --without-pip "$venv"
    "$python" -m pip --python "$venv/bin/python" install --quiet pip
else
    fail "'$python' can not make virtual environments: it has neither ensurepip nor virtualenv nor pip." \
        "On Debian and Ubuntu: sudo apt install python3-venv    On Fedora: sudo dnf install python3-pip" \
        "Or pass another interpreter: make PYTHON=/path/to/python3 ..."
fi
