#!/bin/sh
# A target of kind "exec": a service that keeps one folder for each person, with one file for each session. It needs jq.
#
# Usage: exec-sessions.sh FOLDER
set -eu
folder=$1
asked=$(cat)
ask() { printf '%s' "$asked" | jq -r "$1 // empty"; }
answer() { jq -cn '{revoked: 1} + $ARGS.named' "$@"; }
# A name is part of a path from here on, and comes from outside.
sound() { case $1 in '' | -* | .* | *[!a-zA-Z0-9._-]*) return 1 ;; esac }

case $(ask .do) in
describe)
  answer --argjson asks_by '["username"]' --argjson ends '["session"]' --argjson lists '["session"]' \
    --argjson not_covered '["Whoever knows the password signs in again: the service has no way to suspend somebody"]'
  ;;
probe)
  [ -d "$folder" ] || { answer --argjson error '{"what": "the folder of sessions is gone", "then": "pause"}'; exit; }
  answer --arg version 'sessions 1'
  ;;
resolve)
  name=$(ask .value)
  if ! sound "$name" || [ ! -d "$folder/$name" ]; then
    # Without the folder that all are in, nobody would be there either.
    [ -d "$folder" ] && answer --argjson nobody true || answer --argjson error '{"what": "the folder of sessions is gone", "then": "pause"}'
    exit
  fi
  answer --argjson principal "$(jq -cn --arg name "$name" '{id: $name, names: ["username:" + $name]}')"
  ;;
observe)
  name=$(ask .principal.id)
  sound "$name"
  grants=$(for file in "$folder/$name"/*; do
    [ -f "$file" ] && jq -cn --arg id "${file##*/}" '{kind: "session", id: $id}'
  done | jq -cs .)
  answer --arg principal "$name" --argjson suspended false --argjson listed '["session"]' --argjson grants "$grants"
  ;;
apply)
  name=$(ask .principal.id)
  id=$(ask .action.id)
  sound "$name" && sound "$id"
  [ -e "$folder/$name/$id" ] && already=false || already=true
  rm -f -- "$folder/$name/$id"
  answer --argjson already "$already"
  ;;
esac
