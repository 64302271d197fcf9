#!/usr/bin/env bash
# A client for Turnwire in Bash, with jq: runs one prompt and prints the reply.
#
#   turnwire.sh PROMPT [FOLDER]
#
# TURNWIRE names the server's command (`turnwire serve`), TURNWIRE_CLIENT_ID the identity: keep it, and
# completions that an earlier call missed are printed first. Exit code: 0 where the run succeeded.
set -euo pipefail

prompt=${1:?"usage: turnwire.sh PROMPT [FOLDER]"}
folder=$(cd "${2:-.}" && pwd)
client_id=${TURNWIRE_CLIENT_ID:-turnwire-bash}
read -ra command <<< "${TURNWIRE:-turnwire serve}"

coproc SERVER { exec "${command[@]}" 2> /dev/null; }
server=$SERVER_PID
exec {to}>&"${SERVER[1]}" {from}<&"${SERVER[0]}"
# Its own copies: the coprocess must see the end of its input when ours is closed.
exec {SERVER[0]}<&- {SERVER[1]}>&-

id=0
run_id="bash-$$-$RANDOM$RANDOM"
status=

# send METHOD PARAMS: a request; its id is in $id.
send() {
  id=$((id + 1))
  jq -cn --argjson id "$id" --arg method "$1" --argjson params "$2" \
    '{jsonrpc: "2.0", $id, $method, $params}' >&"$to"
}

# take LINE: what the server says by itself.
take() {
  local method
  method=$(jq -r '.method // ""' <<< "$1")
  case $method in
    runComplete)
      jq -r '.params.text' <<< "$1"
      local completion
      completion=$(jq -r '.params.completionId' <<< "$1")
      [ "$(jq -r '.params.runId // ""' <<< "$1")" != "$run_id" ] || status=$(jq -r '.params.status' <<< "$1")
      jq -cn --arg c "$completion" \
        '{jsonrpc: "2.0", id: ("ack-" + $c), method: "acknowledge", params: {completionIds: [$c]}}' >&"$to"
      ;;
    requestPermission)
      # Nobody is there to be asked.
      jq -c '{jsonrpc: "2.0", id, result: {decision: "deny"}}' <<< "$1" >&"$to"
      ;;
  esac
}

# call METHOD PARAMS: a request, and its result in $result.
call() {
  local line
  send "$1" "$2"
  while IFS= read -r line <&"$from"; do
    if jq -e --argjson id "$id" '.id == $id and (has("method") | not)' <<< "$line" > /dev/null; then
      if ! result=$(jq -ec '.result' <<< "$line"); then
        jq -r '.error.message' <<< "$line" >&2
        exit 1
      fi
      return
    fi
    take "$line"
  done
  printf 'the server is gone\n' >&2
  exit 1
}

call initialize "$(jq -cn --arg c "$client_id" '{protocolVersion: 1, clientId: $c, clientInfo: {name: "turnwire-bash"}}')"
call createWorkspace "$(jq -cn --arg path "$folder" '{$path, initAgent: true}')"
workspace=$(jq -r '.id' <<< "$result")
call createSession "$(jq -cn --arg w "$workspace" '{workspaceId: $w}')"
session=$(jq -r '.id' <<< "$result")
call sendMessage "$(jq -cn --arg w "$workspace" --arg s "$session" --arg r "$run_id" --arg prompt "$prompt" \
  '{workspaceId: $w, sessionId: $s, runId: $r, $prompt}')"

while [ -z "$status" ] && IFS= read -r line <&"$from"; do take "$line"; done
call shutdown '{}'
printf '{"jsonrpc":"2.0","method":"exit"}\n' >&"$to"
exec {to}>&-
wait "$server" || true
[ "$status" = succeeded ]
