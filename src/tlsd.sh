#!/bin/sh
# What `tlsd` starts: in a checkout the sources, in a package the JavaScript that was made of them.
file=$(readlink -f -- "$0") && here=${file%/*}
main=$here/main.ts
[ -e "$main" ] || main=${here%/*}/dist/main.js
# A core file would contain private keys and the master key.
ulimit -c 0
exec /bin/sh "$here/node.sh" "$main" "$@"
