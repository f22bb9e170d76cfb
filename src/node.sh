#!/bin/sh
# Runs Node 26 with the given arguments: the one that comes with the program, else one on the PATH. The shell is replaced by
# Node (exec), so the process id stays the same and signals need no forwarding. It is a shell script because it must also
# work where no Node starts, and say why: a minimal system lacks a library, another C library or processor refuses the binary.
set -u
wanted=26

main() {
  is_json=
  for argument; do
    [ "$argument" != --json ] || is_json=yes
  done
  case $0 in
    /*) here=${0%/*} ;;
    */*) here=$PWD/${0%/*} ;;
    *) here=$PWD ;;
  esac
  missing='The Node that comes with the program is not installed.'
  case $(uname -m) in
    x86_64) arch=x64 elf_machine=62 ;;
    aarch64) arch=arm64 elf_machine=183 ;;
    *) arch='' missing="No Node comes with the program for this processor ($(uname -m))." ;;
  esac
  bundled=
  [ -z "$arch" ] || find_bundled
  if [ -n "$bundled" ]; then
    runs "$bundled" && exec "$bundled" "$@"
    explain
  fi
  find_on_path && exec "$found" "$@"
  [ -z "$bundled" ] ||
    fail runtime-broken "The Node that comes with the program does not start: $bundled. $reason" "$hint"
  fail old-runtime "This needs Node $wanted, and $newest. $missing" \
    "Run \`npm ci\` (or install the program again) without --omit=optional, or install Node $wanted."
}

# Looks for the package where Node would: in the node_modules of each folder from this one upwards.
find_bundled() {
  folder=$here
  while [ -n "$folder" ]; do
    bundled=$folder/node_modules/node-linux-$arch/bin/node
    [ ! -e "$bundled" ] || return
    folder=${folder%/*}
  done
  bundled=
}

# Sets `found`; returns 1 with `newest`, a part of a sentence, if no Node on the PATH is new enough.
find_on_path() {
  newest='there is none on the PATH'
  folders=$PATH:
  while [ -n "$folders" ]; do
    found=${folders%%:*}/node folders=${folders#*:}
    # A relative folder could belong to anybody.
    case $found in /*) ;; *) continue ;; esac
    [ -f "$found" ] || continue
    ! runs "$found" || return 0
    [ -z "$version" ] || newest="$found is $version"
  done
  return 1
}

# Returns 0 if the file is a Node that is new enough. Sets `version` (empty if it does not start), `status` and `output`.
runs() {
  version='' output='' status=126
  # The shell would read a binary for another processor as a script.
  ! is_foreign "$1" || return 1
  # In braces, so that what the shell itself says of a signal goes into `output`, too.
  output=$({ LC_ALL=C "$1" --version; } 2>&1)
  status=$?
  [ "$status" -eq 0 ] || return 1
  case $output in
    v[0-9]*.*) version=${output#v} ;;
    *) return 1 ;;
  esac
  [ "${version%%.*}" -ge "$wanted" ]
}

# Returns 0 if the file is an ELF binary whose e_machine (bytes 18 and 19 of the header) is another processor's.
is_foreign() {
  [ -n "$arch" ] && [ -r "$1" ] || return 1
  # shellcheck disable=SC2046 # One byte is one word.
  set -- $(od -An -v -tu1 -N20 -- "$1")
  [ "${1-} ${2-} ${3-} ${4-}" = '127 69 76 70' ] && [ "${19-} ${20-}" != "$elf_machine 0" ]
}

# Sets `reason` and `hint` from the `status` and `output` of a bundled Node that did not start.
explain() {
  hint="Install Node $wanted by other means and put it on the PATH."
  case $output in
    *'error while loading shared libraries: '*)
      library=${output#*error while loading shared libraries: } library=${library%%:*}
      case $output in
        *'cannot open shared object file: No such file'*)
          reason="The library $library is missing."
          hint=$(library_hint "$library")
          ;;
        *) reason="The library $library cannot be loaded: $(last_line)" ;;
      esac
      ;;
    *"version \`"*"' not found"*)
      library=${output#*"version \`"} library=${library%%"'"*}
      reason="The C or C++ library of this system is too old: it lacks $library."
      hint="Use a newer system, or install a Node $wanted that is built for this one."
      ;;
    *'Error relocating '* | *'Error loading shared library '*) explain_libc ;;
    *) explain_status ;;
  esac
}

explain_status() {
  case $status in
    0) reason="It answers '$(last_line)' when it is asked for its version." ;;
    126) explain_not_executable ;;
    132) reason='This processor lacks instructions that it needs (SIGILL).' ;;
    127)
      # The shell's words for a file that exists while the loader that its ELF header names does not.
      case $output in
        *'not found' | *'No such file or directory') explain_libc ;;
        *) explain_exit ;;
      esac
      ;;
    *) explain_exit ;;
  esac
}

explain_exit() {
  reason="It ended with exit code $status."
  [ "$status" -le 128 ] || reason="It was ended by signal $((status - 128))."
  [ -z "$output" ] || reason="$reason Its last line: $(last_line)"
}

explain_not_executable() {
  if is_foreign "$bundled"; then
    reason="It is built for another processor than this one ($(uname -m))."
    hint='Remove node_modules and install the program on this machine.'
    return
  fi
  mode=$(ls -ldL -- "$bundled")
  case ${mode%% *} in
    *x*)
      reason='It may not be executed; its file system is probably mounted noexec.'
      hint="Remount it: \`mount -o remount,exec $(mount_point)\`, or install the program elsewhere."
      ;;
    *)
      reason='It has no permission to be executed.'
      hint="Give it: \`chmod +x '$bundled'\`."
      ;;
  esac
}

explain_libc() {
  reason='It is built for glibc, and this system has another C library.'
  hint="Install Node $wanted from the packages of this system, or use one with glibc."
  ! has apk || hint="Install Node $wanted: \`apk add nodejs-current\`, or use a system with glibc."
}

# The package has different names in the distributions; the one that is here is told by its package manager.
library_hint() {
  case $1 in
    libatomic.so.*) debian=libatomic1 fedora=libatomic suse=libatomic1 ;;
    libstdc++.so.*) debian=libstdc++6 fedora=libstdc++ suse=libstdc++6 ;;
    libgcc_s.so.*) debian=libgcc-s1 fedora=libgcc suse=libgcc_s1 ;;
    *) echo "Install the package of this system that has $1." && return ;;
  esac
  if has apt-get; then echo "Install it: \`apt-get install $debian\`."
  elif has dnf; then echo "Install it: \`dnf install $fedora\`."
  elif has microdnf; then echo "Install it: \`microdnf install $fedora\`."
  elif has yum; then echo "Install it: \`yum install $fedora\`."
  elif has zypper; then echo "Install it: \`zypper install $suse\`."
  elif has pacman; then echo 'Install it: `pacman -S gcc-libs`.'
  else echo "Install it: \`apt-get install $debian\` on Debian and Ubuntu, \`dnf install $fedora\` on Fedora and RHEL."
  fi
}

has() { command -v "$1" >/dev/null; }
last_line() { printf '%s\n' "$output" | tail -n 1; }
mount_point() { df -P -- "$bundled" | sed -n '$s/^.*% *//p'; }
json_text() { printf '%s' "$1" | tr '\001-\037\177' ' ' | sed 's/[\\"]/\\&/g'; }

# Same shape as every failure of the program: code, message, hint.
fail() {
  if [ -n "$is_json" ]; then
    printf '{\n  "code": "%s",\n  "message": "%s",\n  "hint": "%s"\n}\n' "$1" "$(json_text "$2")" "$(json_text "$3")"
  else
    printf 'tlsd: %s: %s\n  %s\n' "$1" "$2" "$3" >&2
  fi
  exit 1
}

main "$@"
