#!/bin/sh
# ExecStopPost= of tlsd.service: kills the processes that are left after a stop. After a crash of the control process it does nothing:
# the workers continue to serve, and the next control process tells them to drain.
set -u
# ExecStop= creates this file, so it also exists if the control process crashed while it was stopping.
marker=${RUNTIME_DIRECTORY:-/run/tlsd}/stopping
if [ -e "$marker" ]; then
  rm -f "$marker"
else
  # SERVICE_RESULT says how the service ended (systemd.exec(5)).
  case ${SERVICE_RESULT-} in
    success | timeout) ;;
    *) exit 0 ;;
  esac
fi

group=
while IFS=: read -r id _ path; do
  [ "$id" != 0 ] || group=/sys/fs/cgroup${path%/.control}
done </proc/self/cgroup

# From here on, no other program is started, because it would be in the control group too. A process may fork before it is killed, so
# the group is read again until only this shell is left in it.
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
