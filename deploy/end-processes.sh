#!/bin/sh
# ExecStopPost= of tlsd.service: ends what the control process has left behind, unless it crashed. After a crash the workers
# serve on, and the control process that systemd starts next lets them end in peace.
set -u
# Set by ExecStop=, so also if the control process crashed while it was stopping.
marker=${RUNTIME_DIRECTORY:-/run/tlsd}/stopping
if [ -e "$marker" ]; then
  rm -f "$marker"
else
  # systemd.exec(5): how the service ended.
  case ${SERVICE_RESULT-} in
    success | timeout) ;;
    *) exit 0 ;;
  esac
fi

group=
while IFS=: read -r id _ path; do
  [ "$id" != 0 ] || group=/sys/fs/cgroup${path%/.control}
done </proc/self/cgroup

# No other program runs from here on: it would be in the control group itself. A process may fork while it is ended, so the
# group is read again until this shell is alone in it.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  is_alone=yes
  for list in "$group/cgroup.procs" "$group"/*/cgroup.procs; do
    [ -e "$list" ] || continue
    while read -r pid; do
      [ "$pid" -ne $$ ] || continue
      is_alone=
      kill -KILL "$pid"
    done <"$list"
  done
  [ -z "$is_alone" ] || exit 0
done
