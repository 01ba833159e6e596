#!/bin/sh
# Does what an identity provider does to a SCIM source: finds nobody, makes a user, deactivates the user, looks, reactivates, deletes.
#
#   scim.sh URL TOKEN_FILE USER_NAME EMAIL
#
# URL is that of the source, such as http://127.0.0.1:8480/signals/okta. What the user has at the targets really ends.
set -eu
url=$1 token_file=$2 user_name=$3 email=$4

# Calls the server. The token goes through a pipe, so that it stands in no list of processes. Fails on an answer other than the one wanted.
call() {
  wanted=$1 method=$2 path=$3 body=${4-}
  answer=$(printf 'header = "Authorization: Bearer %s"\n' "$(cat "$token_file")" |
    curl --silent --show-error --config - --request "$method" --header 'Content-Type: application/scim+json' \
      ${body:+--data "$body"} --write-out '\n%{http_code}' "$url$path")
  status=${answer##*
}
  printf '%s %s -> %s\n' "$method" "$path" "$status" >&2
  if [ "$status" != "$wanted" ]; then
    printf '%s\n' "$answer" >&2
    exit 1
  fi
  printf '%s\n' "$answer" | sed '$d'
}

patch() {
  printf '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":%s}}]}' "$1"
}

call 200 GET "/Users?filter=userName%20eq%20%22$user_name%22&startIndex=1&count=100"
user=$(call 201 POST /Users '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"'"$user_name"'","active":true,"emails":[{"value":"'"$email"'","type":"work","primary":true}]}')
id=$(printf '%s' "$user" | sed 's/.*"id":"\([^"]*\)".*/\1/')
call 409 POST /Users '{"userName":"'"$user_name"'"}'
call 200 PATCH "/Users/$id" "$(patch false)"
call 200 PATCH "/Users/$id" "$(patch false)"
call 200 GET "/Users/$id?attributes=userName,active"
call 200 PATCH "/Users/$id" "$(patch true)"
call 204 DELETE "/Users/$id"
call 404 GET "/Users/$id"
