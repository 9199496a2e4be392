#!/usr/bin/env bash
# Puts the foreign client into a cache, at the versions of the lock file and with their checksums.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
there="${VOLTIDE_NPM:-$HOME/.cache/voltide/npm}"
if [ -d "$there/node_modules/ocpp-rpc" ] && cmp -s "$here/package-lock.json" "$there/package-lock.json"; then
    exit 0
fi
mkdir -p "$there"
cp "$here/package.json" "$here/package-lock.json" "$there/"
npm ci --prefix "$there" --ignore-scripts --no-audit --no-fund --loglevel=error
