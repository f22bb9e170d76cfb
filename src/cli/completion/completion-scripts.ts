/**
 * What the shells run. Each script passes the words up to the cursor to `tlsd complete`, which prints a candidate a line, with a tab
 * before its description, or `:files` if the shell is to complete a path.
 */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

// bash splits words at colons, which names of listeners have, and at the `=` of settings, so the words come from the line. It
// replaces what is behind the last of both only. No shell may put a space behind a setting that has no value yet.
const BASH = `# bash completion for tlsd
_tlsd() {
  local line=\${COMP_LINE:0:COMP_POINT} words candidate breaks= prefix=
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local current=\${words[\${#words[@]}-1]}
  [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
  [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
  [[ -n $breaks ]] && prefix=\${current%"\${current##*[$breaks]}"}
  COMPREPLY=()
  while IFS= read -r candidate; do
    if [[ $candidate == :files ]]; then
      compopt -o default
      return
    fi
    candidate=\${candidate%%$'\\t'*}
    [[ $candidate == *= ]] && compopt -o nospace
    printf -v candidate %q "\${candidate#"$prefix"}"
    COMPREPLY+=("$candidate")
  done < <("$1" complete -- "\${words[@]:1}" 2>/dev/null)
}
complete -F _tlsd tlsd
`;

const ZSH = `#compdef tlsd
_tlsd() {
  local -a lines described settings
  local line value description
  lines=("\${(@f)$("\${words[1]}" complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${lines[1]} == :files ]]; then
    _files
    return
  fi
  for line in $lines; do
    value=\${line%%$'\\t'*}
    description=\${line#"$value"}
    # The separator of _describe is a colon.
    value=\${value//:/\\\\:}
    line="$value\${description:+:}\${description#$'\\t'}"
    if [[ $value == *= ]]; then settings+=("$line"); else described+=("$line"); fi
  done
  (( $#settings )) && _describe tlsd settings -S ''
  (( $#described )) && _describe tlsd described
}
if [[ \${funcstack[1]} == _tlsd ]]; then _tlsd "$@"; else compdef _tlsd tlsd; fi
`;

const FISH = `# fish completion for tlsd
function __tlsd_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l candidates ($words[1] complete -- $words[2..-1] "$current" 2>/dev/null)
    if test "$candidates[1]" = ":files"
        __fish_complete_path "$current"
    else
        printf '%s\\n' $candidates
    end
end
complete -c tlsd -f -a '(__tlsd_complete)'
`;

export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
};
