#!/bin/sh
# Sends one JSON body as Standard Webhooks asks, with nothing but openssl and curl.
#
#   send-webhook.sh URL SECRET_FILE BODY_FILE [ID]
#
# SECRET_FILE holds whsec_<base64>, as made by:  printf 'whsec_%s\n' "$(openssl rand -base64 32)" > secret; chmod 600 secret
# ID names the message: the same ID again is the same message, so that a message may be sent until it is answered. Without one it is random.
# Prints the answer. Ends with 0 only where the message was taken.
#
# openssl has the key among its arguments for a moment, where others on the same machine could see it: use a machine of your own.
set -eu

if [ "$#" -lt 3 ] || [ "$#" -gt 4 ]; then
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 64
fi
url=$1 secret_file=$2 body=$3
id=${4:-msg_$(openssl rand -hex 16)}
timestamp=$(date +%s)

key=$(tr -d ' \r\n' < "$secret_file" | sed 's/^whsec_//' | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
signature=$({
  printf '%s.%s.' "$id" "$timestamp"
  cat "$body"
} | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)

# A busy or stopped receiver is asked again with the same id; what is wrong with the message itself is not sent again.
exec curl --silent --show-error --include --fail-with-body --retry 5 --retry-connrefused --max-time 60 "$url" \
  --header 'Content-Type: application/json' \
  --header "webhook-id: $id" \
  --header "webhook-timestamp: $timestamp" \
  --header "webhook-signature: v1,$signature" \
  --data-binary "@$body"
